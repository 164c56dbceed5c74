//! How much a tree of manifests may hold, checked before anything is parsed. Manifests come from a repository that
//! many can write to; the limits are far above what people write and far below what hurts.

/// Limits on a tree of files and on each file in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Files in the tree, those that are refused one by one included.
    pub files: usize,
    /// Folders in the tree.
    pub folders: usize,
    /// Bytes of one file. A larger one is refused by its size and never read.
    pub file_bytes: u64,
    /// Bytes of all files together.
    pub total_bytes: u64,
    /// How deep tables, lists and dotted keys may go, counted together. The language needs about eight levels.
    pub depth: usize,
    /// Bytes of a path below the root of the tree.
    pub path_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            files: 500,
            folders: 500,
            file_bytes: 1024 * 1024,
            total_bytes: 8 * 1024 * 1024,
            depth: 32,
            path_bytes: 512,
        }
    }
}

/// A tree that goes beyond the limits as a whole, so that nothing of it is used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    /// More files than [`Limits::files`].
    #[error("there are more than {0} files")]
    Files(usize),
    /// More folders than [`Limits::folders`].
    #[error("there are more than {0} folders")]
    Folders(usize),
    /// More bytes than [`Limits::total_bytes`].
    #[error("the files are larger than {} together", bytes(*.0))]
    Bytes(u64),
    /// A path longer than [`Limits::path_bytes`].
    #[error("the path `{path}` is longer than {limit} bytes")]
    Path {
        /// The first part of the path.
        path: String,
        /// The limit.
        limit: usize,
    },
}

/// A size in the unit that people use: `1 MiB`, `64 KiB`, `100 bytes`.
pub fn bytes(count: u64) -> String {
    const KIB: u64 = 1024;
    const MIB: u64 = 1024 * 1024;
    match count {
        MIB.. if count.is_multiple_of(MIB) => format!("{} MiB", count / MIB),
        MIB.. => format!("{}.{} MiB", count / MIB, count % MIB * 10 / MIB),
        KIB.. => format!("{} KiB", count / KIB),
        _ => format!("{count} bytes"),
    }
}

/// Where a text nests deeper than allowed: the offset of the first byte too deep, or `None`.
///
/// Runs over the bytes before the parser sees them, because the parser's tree is dropped recursively and dotted keys
/// are not limited there. It cuts tokens as the parser does (an unfinished string ends with its line) and counts
/// broken text rather too deep than too flat. A header that leads through `[[lists]]` of other headers makes one level
/// more for each of them than is counted, so the tree has at most twice the depth.
pub fn too_deep(text: &str, limit: usize) -> Option<usize> {
    let mut scan = Scan { limit, line_began: true, ..Scan::default() };
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let end = token_end(bytes, at);
        if !scan.token(byte) {
            return Some(at);
        }
        at = end.max(at + 1);
    }
    None
}

#[derive(Default)]
struct Scan {
    limit: usize,
    /// Depth of what each open bracket holds.
    open: Vec<usize>,
    /// Depth of the table whose header was last.
    header: usize,
    /// Dots since the key began.
    dots: usize,
    in_header: bool,
    /// Whether a second `[` was seen in this header: the third would open a list.
    array_header: bool,
    /// Whether only blanks were seen on this line.
    line_began: bool,
}

impl Scan {
    fn base(&self) -> usize {
        self.open.last().copied().unwrap_or(if self.in_header { 0 } else { self.header })
    }

    /// Counts one token by its first byte; `false` when it is too deep.
    fn token(&mut self, byte: u8) -> bool {
        let at_line_start = std::mem::take(&mut self.line_began);
        match byte {
            b'.' => self.dots += 1,
            b'[' if at_line_start && self.open.is_empty() => {
                self.in_header = true;
                self.array_header = false;
                self.dots = 0;
            }
            b'[' if self.in_header && self.open.is_empty() && self.dots == 0 && !self.array_header => {
                self.array_header = true;
            }
            b'[' | b'{' => {
                let depth = self.base() + self.dots + 1;
                self.open.push(depth);
                self.dots = 0;
            }
            b']' if self.in_header && self.open.is_empty() => {
                self.header = self.dots + 1 + usize::from(self.array_header);
            }
            b']' | b'}' => {
                self.open.pop();
                self.dots = 0;
            }
            b',' => self.dots = 0,
            b'\n' => {
                self.dots = 0;
                self.line_began = true;
                self.in_header = false;
            }
            b' ' | b'\t' | b'\r' => self.line_began = at_line_start,
            _ => {}
        }
        let array = usize::from(self.in_header && self.array_header);
        self.base() + self.dots + array < self.limit
    }
}

/// The end of the token that begins at `at`, cut as the TOML lexer cuts it.
fn token_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    match rest {
        [b'.' | b'=' | b',' | b'[' | b']' | b'{' | b'}' | b'\n' | b'\r' | b' ' | b'\t', ..] => at + 1,
        [b'#', ..] => at + rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(rest.len()),
        [b'\'', b'\'', b'\'', ..] => after_quotes(bytes, at, b'\'', false),
        [b'"', b'"', b'"', ..] => after_quotes(bytes, at, b'"', true),
        [b'\'', ..] => line_string(bytes, at, b'\'', false),
        [b'"', ..] => line_string(bytes, at, b'"', true),
        _ => at + rest.iter().position(|b| b".=,[]{} \t#\r\n".contains(b)).unwrap_or(rest.len()),
    }
}

fn line_string(bytes: &[u8], at: usize, quote: u8, escapes: bool) -> usize {
    let mut i = at + 1;
    while let Some(&byte) = bytes.get(i) {
        match byte {
            b'\n' => return i,
            b if b == quote => return i + 1,
            b'\\' if escapes && matches!(bytes.get(i + 1), Some(b'\\' | b'"')) => i += 2,
            _ => i += 1,
        }
    }
    bytes.len()
}

fn after_quotes(bytes: &[u8], at: usize, quote: u8, escapes: bool) -> usize {
    let mut i = at + 3;
    while let Some(&byte) = bytes.get(i) {
        if byte == quote && bytes[i..].starts_with(&[quote; 3]) {
            let more = bytes[i + 3..].iter().take(2).take_while(|b| **b == quote).count();
            return i + 3 + more;
        }
        let skips_next = escapes && byte == b'\\' && matches!(bytes.get(i + 1), Some(b'\\' | b'"'));
        i += if skips_next { 2 } else { 1 };
    }
    bytes.len()
}
