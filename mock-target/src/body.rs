//! The bodies of responses: unique to a URL, verifiable by a client, and cheap to serve.
//!
//! A body is a short tag with its URL's id and the seed, then a slice of one buffer of noise that all
//! URLs share. Nothing is generated for a response, and no two URLs have the same body.

use crate::random::{self, Purpose};

/// Bytes of a body's tag: the id and the seed, each as 16 hexadecimal digits.
pub const TAG_BYTES: usize = 32;

/// Number of offsets in the noise at which a body may begin.
const OFFSETS: u64 = 16 * 1_024;

/// All bodies of a scenario, prepared once.
#[derive(Clone, Debug)]
pub struct Bodies {
    seed: u64,
    /// Bytes of each body.
    pub(crate) body_bytes: usize,
    noise: Vec<u8>,
}

impl Bodies {
    /// Prepares bodies of `body_bytes` each; this makes `body_bytes` + 16 KiB of noise.
    pub(crate) fn new(seed: u64, body_bytes: u64) -> Bodies {
        let body_bytes = usize::try_from(body_bytes).unwrap_or(usize::MAX);
        let after_tag = body_bytes.saturating_sub(TAG_BYTES);
        let noise_bytes = if after_tag == 0 { 0 } else { after_tag + OFFSETS as usize };
        let mut noise = vec![0; noise_bytes];
        for (word, index) in noise.chunks_mut(8).zip(0..) {
            word.copy_from_slice(&random::bits(seed, Purpose::Noise, index).to_le_bytes()[..word.len()]);
        }
        Bodies { seed, body_bytes, noise }
    }

    /// The two parts of a body: its tag, then the rest.
    ///
    /// A body shorter than [`TAG_BYTES`] is only the first bytes of the tag.
    pub fn parts(&self, id: u64) -> ([u8; TAG_BYTES], &[u8]) {
        let mut tag = [0; TAG_BYTES];
        write_hex(&mut tag[..16], id);
        write_hex(&mut tag[16..], self.seed);
        let after_tag = self.body_bytes.saturating_sub(TAG_BYTES);
        if after_tag == 0 {
            return (tag, &[]);
        }
        let offset = (random::bits(self.seed, Purpose::BodyOffset, id) % OFFSETS) as usize;
        (tag, &self.noise[offset..offset + after_tag])
    }

    /// The CRC-32 (ISO-HDLC, as in zip and gzip) of a whole body.
    pub fn crc32(&self, id: u64) -> u32 {
        let (tag, rest) = self.parts(id);
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&tag[..TAG_BYTES.min(self.body_bytes)]);
        hasher.update(rest);
        hasher.finalize()
    }
}

/// Writes `number` as lower-case hexadecimal, right-aligned in `digits`.
fn write_hex(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 15) as usize];
        number >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn whole(bodies: &Bodies, id: u64) -> Vec<u8> {
        let (tag, rest) = bodies.parts(id);
        let mut body = tag[..TAG_BYTES.min(bodies.body_bytes)].to_vec();
        body.extend_from_slice(rest);
        body
    }

    #[test]
    fn a_tag_contains_the_id_and_the_seed() {
        let (tag, _) = Bodies::new(0xfeed, 100).parts(42);
        assert_eq!(&tag, b"000000000000002a000000000000feed");
    }

    #[test]
    fn bodies_are_distinct() {
        let bodies = Bodies::new(1, 10_240);
        let distinct: HashSet<u32> = (0..1_000).map(|id| bodies.crc32(id)).collect();
        assert_eq!(distinct.len(), 1_000);
    }

    proptest! {
        #[test]
        fn length_and_checksum_match_the_whole_body(seed: u64, id: u64, body_bytes in 0..2_000u64) {
            let bodies = Bodies::new(seed, body_bytes);
            let body = whole(&bodies, id);
            prop_assert_eq!(body.len() as u64, body_bytes);
            prop_assert_eq!(crc32fast::hash(&body), bodies.crc32(id));
        }
    }
}
