//! "Did you mean": finds the known word nearest to the one that was written, and says nothing where none is near.

/// The known word nearest to `word`, if near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A word of a manifest may be a megabyte long, and distance costs the product of the lengths.
    if word.is_empty() || word.len() > 200 {
        return None;
    }
    let folded = fold(word);
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let other = fold(candidate);
        let distance = strsim::damerau_levenshtein(&folded, &other);
        // A third of the letters may be wrong, in a word of three or less one at most.
        let allowed = (folded.chars().count().max(other.chars().count()) / 3).max(1);
        let prefix =
            folded.len() >= 3 && (other.starts_with(&folded) || folded.starts_with(&other)) && other.len() >= 3;
        if (distance <= allowed || prefix) && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `logLevel`, `LOG-LEVEL` and `log_level` are the same word to people.
fn fold(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut after_lower = false;
    for c in word.chars() {
        if c.is_uppercase() && after_lower {
            out.push('_');
        }
        after_lower = c.is_lowercase() || c.is_ascii_digit();
        if c == '-' {
            out.push('_');
        } else {
            out.extend(c.to_lowercase());
        }
    }
    out
}

/// `a`, `b` and `c`, each in backquotes; a long list is cut.
pub fn list<'a>(words: impl IntoIterator<Item = &'a str>, conjunction: &str) -> String {
    const MOST: usize = 24;
    let all: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match all.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        many if many.len() > MOST => format!("{} and {} more", many[..MOST].join(", "), many.len() - MOST),
        [start @ .., last] => format!("{} {conjunction} {last}", start.join(", ")),
    }
}

/// The hint for a word that is not known: the one that is meant, else all there are.
pub fn hint(word: &str, known: &[&str], what: &str) -> Option<String> {
    if known.is_empty() {
        return None;
    }
    Some(match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{what} {}", list(known.iter().copied(), "and")),
    })
}
