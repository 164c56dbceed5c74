//! Packs that no honest server sends: small ones that unpack to gigabytes, and ones with more objects than there are.

use sha1::{Digest as _, Sha1};

const BLOB: u8 = 3;
const OFFSET_DELTA: u8 = 6;
/// What is compressed at once.
const BLOCK: usize = 1 << 20;

/// One blob of so many MiB of zeros, in about a thousandth of that.
pub fn huge_blob(mebibytes: usize) -> Vec<u8> {
    let mut pack = header(1);
    object(&mut pack, BLOB, mebibytes * BLOCK);
    pack.extend(zeros(mebibytes));
    sealed(pack)
}

/// A blob of 16 MiB, and so many deltas of a few bytes that say: that one, so many times.
pub fn huge_deltas(count: u32, times: usize) -> Vec<u8> {
    let mut pack = header(1 + count);
    let base = pack.len();
    object(&mut pack, BLOB, 16 * BLOCK);
    pack.extend(zeros(16));
    // A copy has at most 2^24 - 1 bytes.
    let copied = 16 * BLOCK - 1;
    let mut delta = Vec::new();
    for size in [16 * BLOCK, copied * times] {
        number(&mut delta, size);
    }
    delta.extend(std::iter::repeat_n([0xf0, 0xff, 0xff, 0xff], times).flatten());
    for _ in 0..count {
        let distance = pack.len() - base;
        object(&mut pack, OFFSET_DELTA, delta.len());
        offset(&mut pack, distance);
        pack.extend(stored(&delta));
    }
    sealed(pack)
}

/// So many blobs of four bytes.
pub fn many_blobs(count: u32) -> Vec<u8> {
    let mut pack = header(count);
    for n in 0..count {
        object(&mut pack, BLOB, 4);
        pack.extend(stored(&n.to_be_bytes()));
    }
    sealed(pack)
}

/// Says that so many objects follow, and sends the start of the first.
pub fn many_promised(count: u32) -> Vec<u8> {
    let mut pack = header(count);
    object(&mut pack, BLOB, BLOCK);
    pack.extend(&zeros(1)[..100]);
    pack
}

/// The same pack with its last byte, of its checksum, another.
pub fn wrong_checksum(mut pack: Vec<u8>) -> Vec<u8> {
    if let Some(last) = pack.last_mut() {
        *last ^= 0xff;
    }
    pack
}

/// The same pack with a byte of its first object another, and a right checksum.
pub fn damaged_object(mut pack: Vec<u8>) -> Vec<u8> {
    pack.truncate(pack.len() - 20);
    pack[20] ^= 0xff;
    sealed(pack)
}

/// The same pack without its first object: what the commit names is not in it.
pub fn nothing_in_it(_: Vec<u8>) -> Vec<u8> {
    sealed(header(0))
}

/// A good pack, but of something else than was asked for.
pub fn something_else(_: Vec<u8>) -> Vec<u8> {
    many_blobs(3)
}

fn header(objects: u32) -> Vec<u8> {
    [&b"PACK"[..], &2_u32.to_be_bytes(), &objects.to_be_bytes()].concat()
}

fn sealed(mut pack: Vec<u8>) -> Vec<u8> {
    let sum = Sha1::digest(&pack);
    pack.extend(sum);
    pack
}

/// The type and size before an object: four bits of the size, then seven in each byte.
fn object(pack: &mut Vec<u8>, kind: u8, size: usize) {
    let more = |rest: usize| if rest > 0 { 0x80 } else { 0 };
    let low = u8::try_from(size & 0x0f).expect("four bits");
    pack.push(more(size >> 4) | kind << 4 | low);
    if size >> 4 > 0 {
        number(pack, size >> 4);
    }
}

fn number(bytes: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = u8::try_from(value & 0x7f).expect("seven bits");
        value >>= 7;
        bytes.push(if value > 0 { low | 0x80 } else { low });
        if value == 0 {
            return;
        }
    }
}

/// How far back the base of a delta is: big-endian, and one less for each byte that goes on.
fn offset(bytes: &mut Vec<u8>, mut value: usize) {
    let low = |value: usize| u8::try_from(value & 0x7f).expect("seven bits");
    let mut reversed = vec![low(value)];
    while value >> 7 > 0 {
        value = (value >> 7) - 1;
        reversed.push(low(value) | 0x80);
    }
    bytes.extend(reversed.iter().rev());
}

/// A zlib stream of so many MiB of zeros: one compressed block, which a flush makes independent, again and again.
fn zeros(mebibytes: usize) -> Vec<u8> {
    use flate2::{Compress, Compression, FlushCompress};
    let mut deflate = Compress::new(Compression::best(), false);
    let mut block = Vec::with_capacity(BLOCK);
    deflate.compress_vec(&vec![0; BLOCK], &mut block, FlushCompress::Full).expect("zeros are compressed");
    let mut stream = vec![0x78, 0xda];
    for _ in 0..mebibytes {
        stream.extend(&block);
    }
    // An empty last block, and the checksum of zeros.
    stream.extend([0x03, 0x00]);
    let sum = u32::try_from(mebibytes * BLOCK % 65_521).expect("below the modulus") << 16 | 1;
    stream.extend(sum.to_be_bytes());
    stream
}

/// A zlib stream that compresses nothing.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("short");
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    let mut stream = vec![0x78, 0x01, 0x01];
    stream.extend(length.to_le_bytes());
    stream.extend((!length).to_le_bytes());
    stream.extend(bytes);
    stream.extend((b << 16 | a).to_be_bytes());
    stream
}
