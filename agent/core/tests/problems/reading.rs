//! Problems of a file before its meaning matters: encoding, syntax, keys written twice, nesting.

use agent_core::manifest::limits::too_deep;

use crate::{HEADER, after_header, bytes_tree, shown, snapshot, tree};

#[test]
fn not_utf_8() {
    let latin = [HEADER.as_bytes(), b"[stack.tags]\nowner = \"M\xfcller\"\n"].concat();
    snapshot!(shown(&bytes_tree(&[("stack.toml", &latin)])));
}

#[test]
fn utf_16() {
    let data: Vec<u8> = [0xff, 0xfe].into_iter().chain(HEADER.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    snapshot!(shown(&bytes_tree(&[("stack.toml", &data)])));
}

#[test]
fn byte_order_mark() {
    snapshot!(shown(&tree(&[("stack.toml", &format!("\u{feff}{HEADER}"))])));
}

#[test]
fn control_characters_as_such() {
    snapshot!(after_header(
        "[stack.tags]\na = \"red: \u{1b}[31m\"\nb = 'bell \u{7}'\n# hidden \u{202e} comment\nc = \"a\u{200b}b\"\nd = \"c1 \u{9b}2J\"\n"
    ));
}

#[test]
fn control_characters_as_escapes() {
    snapshot!(after_header(
        "[stack.tags]\na = \"red: \\u001b[31m\"\n\"k\\u0000\" = \"b\"\nok = \"two\\nlines\\tand a tab\"\n"
    ));
}

#[test]
fn windows_line_ends_are_fine() {
    let text = format!("{HEADER}[stack.tags]\na = \"\"\"x\ny\"\"\"\n").replace('\n', "\r\n");
    let (manifest, problems, _) = crate::load_tree(&tree(&[("stack.toml", &text)]));
    // A line end is no character of a tag; nothing else may be said.
    assert_eq!(problems.iter().map(|p| p.code.as_ref()).collect::<Vec<_>>(), ["bad-tag"]);
    assert!(manifest.is_none());
}

#[test]
fn texts_without_quotes() {
    snapshot!(after_header("[service.web]\nimage = nginx:latest\nmemory = 512\n"));
}

#[test]
fn several_syntax_errors_at_once() {
    snapshot!(after_header(
        "[service.web\nimage = \"a\"\nmemory 512\n\n[service.b]\nimage = \"open\ncount = 01\ncommand = [\"a\" \"b\"]\nports = { http = 80\n/health = 3\na = 1 b = 2\nempty =\n"
    ));
}

#[test]
fn a_list_that_is_not_closed() {
    snapshot!(after_header("[service.web]\nimage = \"a\"\nmemory = 1\ncommand = [\n  \"serve\",\n"));
}

#[test]
fn a_key_twice_in_a_table() {
    snapshot!(after_header(
        "[service.web]\nimage = \"a\"\nmemory = 1\n\n# further down\n\n\n\n\nimage = \"b\"\n\"memory\" = 2\n"
    ));
}

#[test]
fn a_header_twice() {
    snapshot!(after_header("[network.main]\n\n[network.other]\n\n[network.main]\n"));
}

#[test]
fn a_key_twice_in_braces() {
    snapshot!(after_header("[service.web]\nimage = \"a\"\nmemory = 1\nports = { http = 80, http = 81 }\n"));
}

#[test]
fn a_value_used_as_a_table() {
    snapshot!(after_header("[service.web]\nimage = \"a\"\nmemory = 1\nimage.tag = \"x\"\n"));
}

#[test]
fn a_table_completed_elsewhere() {
    snapshot!(after_header("[service.web]\nimage = \"a\"\nmemory = 1\n[service]\nweb.count = 3\n"));
}

#[test]
fn nested_brackets_beyond_all_measure() {
    let text = format!("a = {}", "[".repeat(100_000));
    snapshot!(shown(&tree(&[("stack.toml", &text)])));
    for (open, close) in [("[", "]"), ("{a=", "}"), ("[{a=", "}]"), ("{a.b=[", "]}")] {
        let nested = format!("a = {}1{}", open.repeat(100_000), close.repeat(100_000));
        assert!(shown(&tree(&[("stack.toml", &nested)])).contains("too-deep"), "{open}");
    }
    assert!(shown(&tree(&[("stack.toml", &"[".repeat(100_000))])).contains("too-deep"));
}

#[test]
fn dotted_keys_beyond_all_measure() {
    let dotted = vec!["a"; 100_000].join(".");
    for text in
        [format!("{dotted} = 1"), format!("[{dotted}]"), format!("[[{dotted}]]"), format!("x = {{ {dotted} = 1 }}")]
    {
        assert!(shown(&tree(&[("stack.toml", &text)])).contains("too-deep"));
    }
    let quoted = vec!["\"a\""; 100_000].join(" . ");
    snapshot!(shown(&tree(&[("stack.toml", &format!("{HEADER}\n{quoted} = 1\n"))])));
}

#[test]
fn depth_is_counted_through_headers_keys_and_brackets() {
    assert_eq!(too_deep("[a.b]\nc.d = { e.f = [[1]] }\n", 9), None);
    assert!(too_deep("[a.b]\nc.d = { e.f = [[1]] }\n", 7).is_some());
    assert_eq!(too_deep("a = \"[[[[[[[[.........\" # [[[[[[[ a.a.a.a\n", 4), None);
    assert_eq!(too_deep("a = '''\n[[[[[[[[\n''' \nb = \"\"\"\n[[[[\\\"\"\"\"\n", 4), None);
    let flat: String = (0..1000).map(|n| format!("[a.b{n}]\nc = [1, 2]\nd = {{ e = 1.5 }}\n")).collect();
    assert_eq!(too_deep(&flat, 5), None);
}

#[test]
fn a_problem_in_each_line_is_cut_short() {
    let text: String = (0..5000).map(|n| format!("k{n} = \n")).collect();
    let shown = after_header(&text);
    assert!(shown.matches("error[").count() <= 25);
    let (_, problems, _) =
        crate::load_tree(&tree(&[("stack.toml", &(0..5000).map(|n| format!("[x{n}]\n")).collect::<String>())]));
    assert!(problems.len() > 5000 && problems.iter().count() == agent_core::source::Problems::MOST);
}

#[test]
fn a_megabyte_of_trouble_ends() {
    // Each of these once took, or could take, time that grows with the square of the file.
    for piece in [
        "k = \n",
        "= ",
        "[a]\n",
        "a = 1\n",
        "a.b = 1\n",
        "[[a]]\n[a.b]\n",
        "x y ",
        "\"\u{1b}",
        "[x]\n[x.y]\n",
        "a = [\n",
        "{",
    ] {
        let text = piece.repeat((1 << 20) / piece.len());
        let text = shown(&tree(&[("stack.toml", &text)]));
        assert!(text.len() < 1 << 20, "{piece:?}");
    }
    let keys: String = (0..60_000).map(|n| format!("key{n} = {n}\n")).collect();
    assert!(after_header(&format!("[service.web]\n{keys}")).contains("more problems"));
    let renamed: String = (0..20_000).map(|n| format!("[network.a{n}]\nrenamed_from = \"b{n}\"\n")).collect();
    let (_, problems, _) = crate::load_tree(&tree(&[("stack.toml", &format!("{HEADER}{renamed}"))]));
    assert!(problems.is_empty());
}
