//! What files hold.

use super::{Case, FILE, STACK};
use crate::hostile::trees::ran;

pub const CASES: &[Case] = &[
    ("500,000 lists inside each other", "deeper than 32", |made| {
        made.manifest(format!("{STACK}x = {}", "[".repeat(500_000)));
    }),
    ("100,000 tables inside each other", "deeper than 32", |made| {
        made.manifest(format!("{STACK}x{} = 1", ".a".repeat(100_000)));
    }),
    ("1,000 headers inside each other", "deeper than 32", |made| {
        made.manifest(format!("{STACK}[x{}]", ".a".repeat(1000)));
    }),
    ("100,000 unknown keys", "unknown", |made| {
        let keys: Vec<String> = (0..100_000).map(|n| format!("k{n}=1\n")).collect();
        made.manifest(keys.concat() + STACK);
    }),
    ("a line of a million characters", "unknown", |made| {
        made.manifest(format!("x = \"{}\"\n{STACK}", "x".repeat(1_000_000)));
    }),
    ("a million quotes", "", |made| made.manifest(format!("{STACK}# {}", "\"".repeat(1_000_000)))),
    ("a text that does not end", "error", |made| made.manifest(format!("{STACK}x = \"\"\"{}", "x\n".repeat(400_000)))),
    ("manifest that is not UTF-8", "UTF-8", |made| made.manifest([STACK.as_bytes(), b"x = \"\xff\xfe\"\n"].concat())),
    ("manifest in UTF-16", "invisible character", |made| {
        made.manifest(STACK.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>());
    }),
    ("manifest with a byte order mark", "begins with a byte order mark", |made| {
        made.manifest(format!("\u{feff}{STACK}"));
    }),
    ("manifest of zeros", "error", |made| made.manifest(vec![0; 500_000])),
    ("escape sequences in a line that is shown", "error", |made| {
        made.manifest(format!("{STACK}x = \"\x1b]0;owned\x07\x1b[2J\n"));
    }),
    ("line that is shown from right to left", "error", |made| made.manifest(format!("{STACK}\u{202e}\u{2066}x = 1\n"))),
    ("manifest of 2 MiB", "more than 1 MiB", |made| made.manifest("#".repeat(2 << 20))),
    ("manifest of 1 GB, in a megabyte", "more than 1 MiB", |made| {
        let id = huge(made);
        made.commit(made.tree(&[("stack.toml", FILE, id)]));
    }),
    ("manifest that says to have 10 bytes and has a gigabyte", "is damaged", |made| {
        let id = lying(made);
        made.commit(made.tree(&[("stack.toml", FILE, id)]));
    }),
    ("600 files", "more than 500 files", |made| {
        let blob = made.blob("x");
        let entries = (0..600).map(|n| (format!("{n:03}"), FILE, blob)).chain([(
            "stack.toml".to_owned(),
            FILE,
            made.blob(STACK),
        )]);
        made.commit(made.tree(&entries.collect::<Vec<_>>()));
    }),
    ("100 MB in all, and the same file again and again", "is larger than 67108864 bytes", |made| {
        let blob = made.blob(vec![b'#'; 1_000_000]);
        let entries = (0..100).map(|n| (format!("{n:03}.toml"), FILE, blob)).chain([(
            "stack.toml".to_owned(),
            FILE,
            made.blob(STACK),
        )]);
        made.commit(made.tree(&entries.collect::<Vec<_>>()));
    }),
    ("`.gitattributes` with a filter that the configuration has", "", |made| {
        made.repository.config().unwrap().set_str("filter.own.smudge", &format!("touch {}", ran(made))).unwrap();
        made.repository.config().unwrap().set_str("filter.own.process", &format!("touch {}", ran(made))).unwrap();
        made.inside(".gitattributes", FILE, made.blob("* filter=own text eol=crlf ident\n"));
    }),
];

/// A blob of a gigabyte of zeros, as a file of a megabyte.
fn huge(made: &super::Made) -> git2::Oid {
    let id = git2::Oid::from_str("1111111111111111111111111111111111111111").unwrap();
    write_loose(made, id, "blob 1073741824\0", 1 << 30);
    id
}

fn lying(made: &super::Made) -> git2::Oid {
    let id = git2::Oid::from_str("2222222222222222222222222222222222222222").unwrap();
    write_loose(made, id, "blob 10\0", 1 << 30);
    id
}

/// A loose object with this header, and so many zeros.
pub fn write_loose(made: &super::Made, id: git2::Oid, header: &str, zeros: usize) {
    use std::io::Write as _;
    let id = id.to_string();
    let path = made.git("objects").join(&id[..2]).join(&id[2..]);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    // The zeros are compressed once, and repeated: a flush makes each block independent of those before it.
    let block = 1 << 20;
    let mut deflate = flate2::Compress::new(flate2::Compression::best(), false);
    let mut raw = vec![0x78, 0xda];
    let mut out = Vec::with_capacity(1 << 16);
    deflate.compress_vec(header.as_bytes(), &mut out, flate2::FlushCompress::Full).unwrap();
    raw.extend(&out);
    let mut out = Vec::with_capacity(block);
    deflate.compress_vec(&vec![0; block], &mut out, flate2::FlushCompress::Full).unwrap();
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    file.write_all(&raw).unwrap();
    for _ in 0..zeros / block {
        file.write_all(&out).unwrap();
    }
    // An empty last block, and no right checksum: nobody gets as far.
    file.write_all(&[0x03, 0x00, 0, 0, 0, 0]).unwrap();
}
