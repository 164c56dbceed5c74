//! Files of environment variables: dotenv, or JSON as ECS has it. Nothing is looked up and nothing replaced in them: what
//! a file says is what the container gets.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A variable and the line, from 1, on which it stands; in JSON its place in the list.
type Variables = BTreeMap<String, (String, usize)>;

/// What is wrong with a file, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// `line 3`.
    pub(super) place: String,
    pub(super) what: String,
}

impl Wrong {
    fn line(line: usize, what: impl Into<String>) -> Self {
        Self { place: format!("line {line}"), what: what.into() }
    }
}

/// The variables of a file, and whatever is wrong with it.
pub(super) fn parse(content: &[u8]) -> (BTreeMap<String, String>, Vec<Wrong>) {
    let Ok(text) = std::str::from_utf8(content) else {
        return (BTreeMap::new(), vec![Wrong::line(1, "it is not UTF-8")]);
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (found, wrong) = if text.trim_start().starts_with('[') { json(text) } else { dotenv(text) };
    (found.into_iter().map(|(name, (value, _))| (name, value)).collect(), wrong)
}

/// Whether a name can be that of an environment variable.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0']) && !name.chars().any(char::is_whitespace)
}

fn add(found: &mut Variables, wrong: &mut Vec<Wrong>, name: &str, value: String, at: (&str, usize)) {
    let (unit, number) = at;
    let place = format!("{unit} {number}");
    if !is_name(name) {
        wrong.push(Wrong { place, what: format!("`{name}` is no name of an environment variable") });
    } else if value.contains('\0') {
        wrong.push(Wrong { place, what: format!("the value of `{name}` holds a NUL") });
    } else if let Some((_, first)) = found.insert(name.to_owned(), (value, number)) {
        wrong.push(Wrong { place, what: format!("`{name}` stands in it twice, first at {unit} {first}") });
    }
}

/// One of a list as task definitions have it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    name: String,
    value: String,
}

fn json(text: &str) -> (Variables, Vec<Wrong>) {
    let (mut found, mut wrong) = (Variables::new(), Vec::new());
    match serde_json::from_str::<Vec<Pair>>(text) {
        Ok(pairs) => {
            for (n, pair) in pairs.into_iter().enumerate() {
                add(&mut found, &mut wrong, &pair.name, pair.value, ("entry", n + 1));
            }
        }
        Err(error) => {
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or(&what);
            wrong.push(Wrong::line(error.line(), format!("no list of `{{\"name\": …, \"value\": …}}`: {what}")));
        }
    }
    (found, wrong)
}

fn dotenv(text: &str) -> (Variables, Vec<Wrong>) {
    let (mut found, mut wrong) = (Variables::new(), Vec::new());
    for (n, line) in text.lines().enumerate().map(|(n, line)| (n + 1, line.trim())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else {
            wrong.push(Wrong::line(n, "there is no `=` in it"));
            continue;
        };
        match unquoted(value.trim()) {
            Ok(value) => add(&mut found, &mut wrong, name.trim(), value, ("line", n)),
            Err(what) => wrong.push(Wrong::line(n, what)),
        }
    }
    (found, wrong)
}

/// A value without its quotes and without the comment behind it.
fn unquoted(text: &str) -> Result<String, &'static str> {
    let mut chars = text.chars();
    match chars.next() {
        Some('\'') => {
            let (value, rest) = chars.as_str().split_once('\'').ok_or("`'` is not closed")?;
            ends(rest).map(|()| value.to_owned())
        }
        Some('"') => {
            let mut value = String::new();
            loop {
                match chars.next().ok_or("`\"` is not closed")? {
                    '"' => return ends(chars.as_str()).map(|()| value),
                    '\\' => value.push(match chars.next().ok_or("`\"` is not closed")? {
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        c @ ('\\' | '"' | '$') => c,
                        _ => return Err("behind `\\` stands one of n, r, t, `\\`, `\"` and `$`"),
                    }),
                    c => value.push(c),
                }
            }
        }
        _ => Ok(text.split_once(" #").map_or(text, |(value, _)| value.trim_end()).to_owned()),
    }
}

/// Behind a quoted value there may be a comment alone.
fn ends(rest: &str) -> Result<(), &'static str> {
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with('#') { Ok(()) } else { Err("something stands behind the closing quote") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let (found, wrong) = parse(text.as_bytes());
        assert_eq!(wrong, []);
        found.into_iter().collect()
    }

    fn wrong(text: &str) -> Vec<String> {
        parse(text.as_bytes()).1.into_iter().map(|wrong| format!("{}: {}", wrong.place, wrong.what)).collect()
    }

    #[test]
    fn dotenv_is_read_as_people_write_it() {
        let text = "\u{feff}# a comment\r\nA=1\r\n\r\nexport B = two words # and a comment\nC='a # b $X'\n\
                    D=\"line\\none \\\"two\\\" \\$\"  # x\nE=\nF=a#b=c\nG=\"\"\nH=${NOT_REPLACED}\n";
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "a # b $X"),
            ("D", "line\none \"two\" $"),
            ("E", ""),
            ("F", "a#b=c"),
            ("G", ""),
            ("H", "${NOT_REPLACED}"),
        ];
        assert_eq!(read(text), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_list_of_json_is_the_same_in_other_words() {
        let text = " [{\"name\": \"A\", \"value\": \"1\"}, {\"value\": \"two words\", \"name\": \"B\"}]\n";
        assert_eq!(read(text), read("B=two words\nA=1"));
        assert_eq!(read("[]"), read("# nothing"));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_in_a_file_is_read_or_told(content: Vec<u8>, lines in "([A-Z= '\"\\\\#]{0,9}\n){0,9}") {
            for content in [content.as_slice(), lines.as_bytes()] {
                let (found, wrong) = parse(content);
                proptest::prop_assert!(found.keys().all(|name| is_name(name)), "{found:?}");
                proptest::prop_assert!(wrong.iter().all(|wrong| !wrong.place.is_empty() && !wrong.what.is_empty()));
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        assert_eq!(
            wrong("A\nB='x\nC=\"x\nD=\"x\" y\nE=\"\\x\"\nF G=1\n=1\nH=1\nH=2"),
            [
                "line 1: there is no `=` in it",
                "line 2: `'` is not closed",
                "line 3: `\"` is not closed",
                "line 4: something stands behind the closing quote",
                "line 5: behind `\\` stands one of n, r, t, `\\`, `\"` and `$`",
                "line 6: `F G` is no name of an environment variable",
                "line 7: `` is no name of an environment variable",
                "line 9: `H` stands in it twice, first at line 8",
            ]
        );
        assert_eq!(
            wrong("[\n{\"name\": \"A\", \"value\": 1}]"),
            ["line 2: no list of `{\"name\": …, \"value\": …}`: invalid type: integer `1`, expected a string"]
        );
        let twice = "[{\"name\": \"A\", \"value\": \"1\"}, {\"name\": \"A\", \"value\": \"1\"}]";
        assert_eq!(wrong(twice), ["entry 2: `A` stands in it twice, first at entry 1"]);
        assert_eq!(parse(&[0xff]).1, [Wrong::line(1, "it is not UTF-8")]);
    }
}
