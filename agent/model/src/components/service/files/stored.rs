//! How a file is kept in Parameter Store: as it is where that works, else packed, and cut into parts of 4 KB.

use agent_files::contract::Encoding;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Crc;
use miniz_oxide::deflate::compress_to_vec;
use sha2::{Digest, Sha256};

use crate::kinds::ssm::file::PART;

/// The most bytes of one file, packed: sixteen parameters.
pub(super) const LARGEST: usize = 64 * 1024;
/// The header of gzip (RFC 1952): no name, no time, the best compression, and no system, for another one's name would be another
/// content.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
/// The best compression.
const BEST: u8 = 9;

/// A file as it is kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) encoding: Encoding,
    pub(super) parts: Vec<String>,
    /// Of the content itself, in hex digits.
    pub(super) sha256: String,
}

/// A file that has more bytes than it may, packed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge(pub(super) usize);

/// A content as it is kept. The same content always gives the same parts: they are named after what they hold, and other
/// parts would be other task definitions.
pub(super) fn stored(content: &[u8]) -> Result<Stored, TooLarge> {
    let sha256 = hex::encode(Sha256::digest(content));
    let (encoding, text) = match std::str::from_utf8(content) {
        Ok(text) if is_plain(text) => (Encoding::Plain, text.to_owned()),
        _ => (Encoding::Gzip, STANDARD.encode(packed(content))),
    };
    if text.len() > LARGEST {
        return Err(TooLarge(text.len()));
    }
    // Packed text is ASCII, and plain text is one part at most: nothing is cut within a character.
    let parts = text.as_bytes().chunks(PART).map(|part| String::from_utf8_lossy(part).into_owned()).collect();
    Ok(Stored { encoding, parts, sha256 })
}

/// Whether Parameter Store keeps a text as it is. It takes no `{{` and nothing that is empty; of control characters only
/// those are trusted that every text has.
fn is_plain(text: &str) -> bool {
    let is_blank = text.trim().is_empty();
    text.len() <= PART
        && !is_blank
        && !text.contains("{{")
        && !text.contains(|c: char| c.is_control() && !"\n\t".contains(c))
}

/// As gzip, by one compressor: that of `flate2` is whichever any crate of the program asks for.
fn packed(content: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(content);
    let end = [crc.sum(), crc.amount()].map(u32::to_le_bytes);
    [&HEADER[..], &compress_to_vec(content, BEST), &end.concat()].concat()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    fn unpacked(stored: &Stored) -> Vec<u8> {
        let text = stored.parts.concat();
        match stored.encoding {
            Encoding::Plain => text.into_bytes(),
            Encoding::Gzip => {
                let mut content = Vec::new();
                GzDecoder::new(STANDARD.decode(text).unwrap().as_slice()).read_to_end(&mut content).unwrap();
                content
            }
        }
    }

    /// Bytes that do not pack.
    fn noise(count: usize) -> Vec<u8> {
        let digests = (0u64..).flat_map(|n| Sha256::digest(n.to_be_bytes()).to_vec());
        digests.take(count).collect()
    }

    #[test]
    fn whatever_is_kept_comes_back() {
        let long = "listen 80;\n".repeat(1000);
        let cases: [(&[u8], Encoding, usize); 9] = [
            (b"", Encoding::Gzip, 1),
            (b"worker_processes 1;\n\tx", Encoding::Plain, 1),
            (&[b'x'; PART], Encoding::Plain, 1),
            (&[b'x'; PART + 1], Encoding::Gzip, 1),
            (b"{{ template }}", Encoding::Gzip, 1),
            (b"\r\n", Encoding::Gzip, 1),
            (b"\n", Encoding::Gzip, 1),
            (&[0xff, 0xfe], Encoding::Gzip, 1),
            (long.as_bytes(), Encoding::Gzip, 1),
        ];
        for (content, encoding, parts) in cases {
            let stored = stored(content).unwrap();
            assert_eq!((stored.encoding, stored.parts.len()), (encoding, parts), "{} bytes", content.len());
            assert_eq!(unpacked(&stored), content);
            assert!(stored.parts.iter().all(|part| (1..=PART).contains(&part.len()) && !part.contains("{{")));
        }
    }

    #[test]
    fn the_limit_is_that_of_the_packed_file() {
        // 64 KiB of base64 are 48 KiB of gzip, which adds some bytes of its own.
        assert_eq!(stored(&noise(48 * 1024 - 100)).unwrap().parts.len(), 16);
        assert!(matches!(stored(&noise(48 * 1024)), Err(TooLarge(size)) if size > LARGEST));
        assert!(stored(&vec![b'x'; 1024 * 1024]).is_ok(), "a megabyte that packs well");
    }

    /// A release with a compressor that packs otherwise would register every definition anew.
    #[test]
    fn packing_is_the_same_in_every_release() {
        let lines: Vec<String> = (0..600).map(|n| format!("server app-{n}.example.org:{};\n", 8000 + n * 7)).collect();
        let stored = stored(lines.concat().as_bytes()).unwrap();
        let names: Vec<String> = stored.parts.iter().map(|part| crate::kinds::ssm::file::hash(part)).collect();
        assert_eq!(names, ["3263959a40fa419580f836e2cd94d822"]);
    }
}
