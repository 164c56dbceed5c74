//! Text from a repository or a server, made safe to print: no control or direction characters, no line breaks, bounded. It
//! does not hide secrets; those never get this far.

/// One printable line of at most `limit` characters: control characters and those that turn the writing direction or are
/// invisible are escaped as in Rust source, and a cut is marked with `…`.
pub fn line(text: &str, limit: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    for c in text.trim().chars() {
        let piece: String = if is_unsafe(c) { c.escape_unicode().collect() } else { c.into() };
        let width = piece.chars().count();
        if length + width > limit.saturating_sub(1) {
            out.push('…');
            return out;
        }
        length += width;
        out.push_str(&piece);
    }
    out
}

/// Whether a character could disturb a terminal or disguise the text around it.
pub fn is_unsafe(c: char) -> bool {
    let disguises = matches!(c, '\u{ad}' | '\u{61c}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}');
    c.is_control() || disguises || matches!(c, '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_direction_characters_are_escaped() {
        assert_eq!(line("a\x1b[31mb\nc\u{202e}d", 200), r"a\u{1b}[31mb\u{a}c\u{202e}d");
        assert_eq!(line("  Füge Dienst hinzu  ", 200), "Füge Dienst hinzu");
    }

    #[test]
    fn a_long_line_is_cut_and_marked_and_never_longer_than_the_limit() {
        let cut = line(&"é".repeat(500), 200);
        assert_eq!(cut.chars().count(), 200);
        assert!(cut.ends_with('…'));
        assert!(line(&"\n\x07".repeat(500), 200).chars().count() <= 200);
        assert!(line(&"x\x07".repeat(500), 200).chars().count() <= 200);
    }
}
