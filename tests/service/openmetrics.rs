//! A strict reader of the text format of `OpenMetrics` (<https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md>),
//! which refuses what Prometheus would refuse, and what it would let pass although the format does not.

use std::collections::{BTreeMap, BTreeSet};

/// A family of metrics: its type and its samples.
#[derive(Debug, Default)]
pub struct Family {
    kind: String,
    described: BTreeSet<&'static str>,
    samples: Vec<Sample>,
}

#[derive(Debug)]
struct Sample {
    /// What the name has beyond that of the family.
    suffix: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// All families by name, or what is wrong with the text.
pub fn parse(text: &str) -> Result<BTreeMap<String, Family>, String> {
    let body = text.strip_suffix("# EOF\n").ok_or("it does not end with `# EOF`")?;
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current: Option<String> = None;
    for line in body.lines() {
        let wrong = |why: &str| format!("{why}: {line}");
        if line.contains('\r') || line.is_empty() || !body.ends_with('\n') {
            return Err(wrong("a line is empty or ends as no line does"));
        }
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let what = ["HELP", "TYPE", "UNIT"].into_iter().find(|what| words.clone().next() == Some(what));
            let what = what.ok_or_else(|| wrong("neither help nor type nor unit"))?;
            words.next();
            let (name, value) =
                (words.next().unwrap_or_default(), words.next().ok_or_else(|| wrong("it says nothing"))?);
            is_name(name, ":").then_some(()).ok_or_else(|| wrong("no name"))?;
            if current.as_deref() != Some(name) && families.contains_key(name) {
                return Err(wrong("its family was left before"));
            }
            current = Some(name.to_owned());
            let family = families.entry(name.to_owned()).or_default();
            if !family.samples.is_empty() || !family.described.insert(what) {
                return Err(wrong("said twice, or too late"));
            }
            match what {
                "TYPE"
                    if !["counter", "gauge", "histogram", "info", "stateset", "summary", "unknown"]
                        .contains(&value) =>
                {
                    return Err(wrong("no type"));
                }
                "TYPE" => value.clone_into(&mut family.kind),
                "UNIT" if !name.ends_with(&format!("_{value}")) => return Err(wrong("the name lacks its unit")),
                "HELP" => drop(unescaped(value, false).ok_or_else(|| wrong("a wrong escape"))?),
                _ => {}
            }
            continue;
        }
        let (name, labels, value) = sample(line).ok_or_else(|| wrong("no sample"))?;
        let family = current.as_ref().filter(|family| name.starts_with(family.as_str()));
        let family = family.ok_or_else(|| wrong("a sample outside of its family"))?;
        let suffix = name[family.len()..].to_owned();
        let family = families.get_mut(family).ok_or_else(|| wrong("of no family"))?;
        let allowed: &[&str] = match family.kind.as_str() {
            "counter" => &["_total", "_created"],
            "histogram" => &["_bucket", "_count", "_sum", "_created"],
            "info" => &["_info"],
            "summary" => &["", "_count", "_sum", "_created"],
            "gauge" | "stateset" | "unknown" => &[""],
            _ => return Err(wrong("a family without a type")),
        };
        if !allowed.contains(&suffix.as_str()) {
            return Err(wrong("a name that its type does not have"));
        }
        if family.samples.iter().any(|sample| sample.suffix == suffix && sample.labels == labels) {
            return Err(wrong("the same series twice"));
        }
        family.samples.push(Sample { suffix, labels, value });
    }
    for (name, family) in &families {
        if family.kind.is_empty() {
            return Err(format!("{name} has no type"));
        }
        check(family).map_err(|why| format!("{name}: {why}"))?;
    }
    Ok(families)
}

/// What the values of a family have to be.
fn check(family: &Family) -> Result<(), String> {
    let negative = family.samples.iter().any(|sample| sample.value.is_nan() || sample.value < 0.0);
    match family.kind.as_str() {
        "counter" if negative => Err("a counter counts up from nothing".into()),
        "info" if family.samples.iter().any(|sample| (sample.value - 1.0).abs() > 0.0) => Err("no 1".into()),
        "histogram" => histogram(family),
        _ => Ok(()),
    }
}

fn histogram(family: &Family) -> Result<(), String> {
    let mut series: BTreeMap<BTreeMap<String, String>, Vec<(f64, f64)>> = BTreeMap::new();
    for sample in family.samples.iter().filter(|sample| sample.suffix == "_bucket") {
        let mut labels = sample.labels.clone();
        let bound = labels.remove("le").and_then(|le| number(&le)).ok_or("a bucket without a bound")?;
        series.entry(labels).or_default().push((bound, sample.value));
    }
    for (labels, buckets) in series {
        let rises = buckets.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        let last = buckets.last().filter(|(bound, _)| bound.is_infinite());
        let has =
            |suffix: &str| family.samples.iter().find(|s| s.suffix == suffix && s.labels == labels).map(|s| s.value);
        let whole = last.is_some_and(|(_, all)| has("_count").is_some_and(|count| (count - all).abs() < 0.5));
        if !rises || !whole || has("_sum").is_none() {
            return Err(format!("the buckets of {labels:?} do not hang together"));
        }
    }
    Ok(())
}

fn is_name(text: &str, also: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphabetic() || c == '_' || also.contains(c);
    text.starts_with(is_word) && text.chars().all(|c| is_word(c) || c.is_ascii_digit())
}

fn sample(line: &str) -> Option<(&str, BTreeMap<String, String>, f64)> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once("=\"")?;
            let end = closing(after)?;
            let fresh = labels.insert(label.to_owned(), unescaped(&after[..end], true)?).is_none();
            if !is_name(label, "") || !fresh {
                return None;
            }
            rest = &after[end + 1..];
            if let Some(more) = rest.strip_prefix(',') {
                // A comma is between two labels.
                rest = more;
                if rest.starts_with('}') {
                    return None;
                }
            } else if !rest.starts_with('}') {
                return None;
            }
        }
        rest = &rest[1..];
    }
    let value = number(rest.strip_prefix(' ')?)?;
    is_name(name, ":").then_some((name, labels, value))
}

/// Where a text that began with a quotation mark ends.
fn closing(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })
}

fn unescaped(text: &str, is_value: bool) -> Option<String> {
    let (mut plain, mut chars) = (String::new(), text.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                'n' => plain.push('\n'),
                c @ ('\\' | '"') => plain.push(c),
                _ => return None,
            },
            '"' if is_value => return None,
            c => plain.push(c),
        }
    }
    Some(plain)
}

fn number(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        _ => text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))),
    }
}

#[test]
fn what_is_wrong_is_refused() {
    let good = "# HELP a A \\n thing.\n# TYPE a counter\na_total{x=\"1\",y=\"q\\\"\\\\\\n\"} 4\na_total{x=\"2\"} 1e3\n# TYPE h histogram\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3.5\nh_count 2\n# TYPE i info\ni_info{v=\"1\"} 1\n# TYPE g gauge\ng -1.5\n# EOF\n";
    parse(good).unwrap();
    for (from, to) in [
        ("# EOF\n", ""),
        ("# EOF\n", "# EOF"),
        ("# EOF\n", "# EOF\ng 2\n"),
        ("a_total{x=\"2\"}", "a{x=\"2\"}"),
        ("a_total{x=\"2\"}", "b_total{x=\"2\"}"),
        ("a_total{x=\"2\"}", "a_total{x=\"1\",y=\"q\\\"\\\\\\n\"}"),
        ("x=\"1\",y", "x=\"1\",x"),
        ("x=\"1\",y", "x=\"1\",2y"),
        ("x=\"1\",y", "x=\"1\"y"),
        ("x=\"2\"", "x=\"2\","),
        ("x=\"2\"", "x=\"\\t\""),
        ("1e3", "-1"),
        ("1e3", "NaN"),
        ("1e3", "nan"),
        ("1e3", "1e3 # x"),
        ("1e3", "inf"),
        ("} 1e3", "}  1e3"),
        ("# TYPE a counter", "# TYPE a count"),
        ("# TYPE a counter", "# TYPE a counter\n# TYPE a counter"),
        ("# TYPE a counter\n", ""),
        ("# TYPE a counter", "# a comment"),
        ("# TYPE h histogram", "\n# TYPE h histogram"),
        ("h_bucket{le=\"+Inf\"} 2\n", ""),
        ("h_bucket{le=\"0.5\"} 1", "h_bucket{le=\"0.5\"} 3"),
        ("h_count 2\n", "h_count 3\n"),
        ("h_sum 3.5\n", ""),
        ("i_info{v=\"1\"} 1", "i_info{v=\"1\"} 0"),
        ("# TYPE g gauge\n", "# TYPE g gauge\n# UNIT g seconds\n"),
        ("# TYPE g gauge\n", "# TYPE g gauge\n# TYPE a gauge\na 1\n"),
    ] {
        assert!(good.contains(from), "{from}");
        let wrong = good.replacen(from, to, 1);
        assert!(parse(&wrong).is_err(), "{wrong}");
    }
}
