//! Manifests of somebody who wants to be heard in a comment of the agent's: whatever they write stays what it is.

use super::{Repo, out, parameters, text};
use crate::bench::repository::Files;
use crate::cli::ends;

const MARKER: &str = "<!-- gitops-agent:diff offline path=. -->";

/// What would do harm outside of its place.
const WORDS: [&str; 12] = [
    "```\n</details>\n# OWNED",
    "````` ~~~~",
    "</details></code></table><script>alert(1)</script><img src=https://evil.example/x>",
    "@everyone @org/team thanks",
    MARKER,
    "--> <!-- x",
    "| a | b |\n|---|---|",
    "[click](https://evil.example) ![x](https://evil.example/y.png)",
    "fixes #1, GH-2, !3, ~bug, %4, $5, org/repo#6",
    "/close\n/merge\n/approve",
    "\u{202e}gpj.exe\u{200b}\u{1b}[31m",
    "https://evil.example www.evil.example mail@evil.example",
];

/// Panics where a text of somebody else's is more than a text: outside of blocks there is no markup but the page's own, and
/// blocks end where the page ends them.
fn assert_tame(page: &str) {
    assert!(page.starts_with(&format!("{MARKER}\n")), "{page}");
    assert_eq!(page.matches(MARKER).count(), 1 + block_lines(page).iter().filter(|line| line.contains(MARKER)).count());
    assert!(!page.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}' || c == '\u{200b}')), "{page}");
    let mut rest = page.replacen(MARKER, "", 1);
    for line in block_lines(page) {
        assert!(line.starts_with(['+', '-', '!', ' ']), "a line that is none of a diff: {line}");
        rest = rest.replacen(&format!("{line}\n"), "", 1);
    }
    assert_eq!(rest.matches("<details>").count(), rest.matches("</details>").count(), "{rest}");
    for own in
        ["<details>", "</details>", "<summary>", "</summary>", "<code>", "</code>", "<br>", "<sub>", "</sub>", "**"]
    {
        rest = rest.replace(own, "");
    }
    for line in rest.lines().filter(|line| !line.chars().all(|c| c == '`') && !line.ends_with("diff")) {
        let text = line.trim_start_matches(['#', '|', '-', ' ']).replace('|', "");
        let entities = text.matches("&#").count();
        assert_eq!((text.matches('&').count(), text.matches('#').count()), (entities, entities), "{line}");
        assert!(!text.contains(['<', '>', '`', '*', '[', ']', '\\', '@', '$', '~']), "{line}");
        assert!(!text.contains("://") && !text.contains("www."), "{line}");
        assert!(!line.starts_with('/'), "{line}");
    }
}

/// The lines in blocks of code.
fn block_lines(page: &str) -> Vec<&str> {
    let (mut found, mut fence): (Vec<&str>, Option<&str>) = (Vec::new(), None);
    for line in page.lines() {
        match fence {
            // As `CommonMark` has it: as many backticks as began it or more, and nothing else.
            Some(open) if line.len() >= open.len() && line.chars().all(|c| c == '`') => fence = None,
            Some(_) => found.push(line),
            None if line.starts_with("```") => fence = Some(line.trim_end_matches("diff")),
            None => {}
        }
    }
    assert_eq!(fence, None, "a block without an end: {page}");
    found
}

fn stack(values: &[&str]) -> Files {
    let named: Vec<(String, &str)> = values.iter().enumerate().map(|(n, value)| (format!("p{n}"), *value)).collect();
    let named: Vec<(&str, &str)> = named.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    [("stack.toml".to_owned(), parameters("hostile", &named))].into()
}

#[test]
fn no_value_gets_out_of_its_place() {
    // What nobody sees is refused in a manifest: that is told in the other test.
    let words: Vec<&str> = WORDS.into_iter().filter(|word| !word.contains('\u{202e}')).collect();
    let harmless = vec!["harmless"; words.len()];
    let repo = Repo::new(&stack(&harmless));
    repo.change(&stack(&words));
    let page = repo.markdown(&[]);
    assert_tame(&page);
    let lines = block_lines(&page);
    for seen in ["@everyone", "</details>", "OWNED", "/merge", "evil.example"] {
        assert!(lines.iter().any(|line| line.contains(seen)), "{seen} is told: {page}");
    }
    // The other way round they are what was.
    let repo = Repo::new(&stack(&words));
    repo.change(&stack(&harmless));
    assert_tame(&repo.markdown(&[]));
}

#[test]
fn no_name_and_no_message_gets_out_of_its_place() {
    for word in WORDS {
        let one_line = word.replace(['\n', '\u{1b}'], " ");
        let variables = format!("env = {{ {} = \"a\" }}", text(&one_line));
        let key = format!("[{}]\nx = 1\n", text(&one_line));
        let name = format!("[stack]\nname = {}\nregion = \"eu-west-1\"\n", text(word));
        let service = parameters("h", &[]) + "\n[network.main]\ncidr = \"10.0.0.0/16\"\n[service.web]\nimage = \"x\"\n";
        let texts = [parameters("h", &[]) + &key, name, service + &variables];
        let repo = Repo::new(&stack(&["x"]));
        for text in texts {
            repo.change(&[("stack.toml".to_owned(), text)].into());
            let output = repo.offline(&["--output", "markdown"]);
            assert!(output.status.code() < Some(2), "{output:?}");
            assert_tame(&out(&output));
        }
        let folder = one_line.replace(['/', '\\', '\u{202e}', '\u{200b}'], " ");
        repo.change(&[(format!("{folder}/stack.toml"), "x".to_owned())].into());
        assert_tame(&repo.markdown(&[]));
    }
}

#[test]
fn a_folder_cannot_end_the_marker() {
    let files: Files = [("a-->b/stack.toml".to_owned(), parameters("a", &[("key", "a")]))].into();
    let repo = Repo::new(&files);
    repo.change(&files);
    let page = repo.markdown(&["--path", "a-->b"]);
    assert!(page.starts_with("<!-- gitops-agent:diff offline path=a-%2D%3Eb -->\n"), "{page}");
}

#[test]
fn what_is_too_long_is_cut_where_it_matters_least_and_says_so() {
    let many = |n: &str| {
        let all: Vec<(String, String)> = (0..900)
            .map(|at| (format!("p{at}"), format!("{n} {} `{}`", "x".repeat(90), "`".repeat(at % 40))))
            .collect();
        let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        [("stack.toml".to_owned(), parameters("hostile", &all))].into()
    };
    let repo = Repo::new(&many("before"));
    repo.change(&many("after"));
    let full = repo.path().join("full.md");
    let url = "https://ci.example.org/jobs/1";
    let output = repo.offline(&["--output", "markdown", "--full", full.to_str().unwrap(), "--full-url", url]);
    ends(&output, 0);
    let page = out(&output);
    assert!(page.len() <= 65_536 && page.len() > 60_000, "{}", page.len());
    assert_tame(&page.replace(&format!("[All of it]({url})"), ""));
    assert!(
        page.contains("**Cut to fit in a comment:** ") && page.contains(" lines of fields are left out here."),
        "{page}"
    );
    assert!(page.contains("### <code>hostile</code>: 900 to update\n"), "the counts are of all");
    let whole = std::fs::read_to_string(full).unwrap();
    assert!(whole.contains("parameter.p899/ssm.parameter") && !whole.contains("Cut to fit"));
    assert_tame(&whole);
    let small = repo.markdown(&["--limit", "4096"]);
    assert!(small.len() <= 4096, "{}", small.len());
    let large = repo.markdown(&["--limit", "1000000"]);
    assert!(large.len() > 65_536 && !large.contains("Cut to fit"));
}
