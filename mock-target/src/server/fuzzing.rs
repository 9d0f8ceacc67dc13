//! What must hold for any bytes that a client may send, for the fuzzer and the property tests.

use super::drain::Drained;
use super::request::{self, MAX_HEAD_BYTES, Parsed, Request};

/// What a connection's bytes were taken for.
#[derive(Debug, PartialEq)]
enum Heard {
    Request(Request),
    Refused(u16),
}

/// Reads bytes as a connection does, in pieces that end at `cuts`, and panics unless the same requests
/// are found as in one piece: where bytes happen to be cut must never decide what they mean.
pub fn check_reading(bytes: &[u8], cuts: &[usize]) {
    let whole = read(bytes, &[]);
    let pieces = read(bytes, cuts);
    // What was refused for its length may have been refused sooner, by fewer bytes.
    let refused_for_length = |heard: &[Heard]| matches!(heard.last(), Some(Heard::Refused(414 | 431)));
    if !(refused_for_length(&whole) || refused_for_length(&pieces)) {
        assert_eq!(whole, pieces);
    }
}

fn read(bytes: &[u8], cuts: &[usize]) -> Vec<Heard> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let (mut heard, mut from, mut drain) = (Vec::new(), 0, None);
    for end in ends {
        while from <= end {
            let available = &bytes[from..end];
            let Some(draining) = &mut drain else {
                match request::parse(available) {
                    Parsed::Request(request, length) => {
                        assert!(0 < length && length <= available.len() && length <= MAX_HEAD_BYTES);
                        from += length;
                        drain = request.body;
                        heard.push(Heard::Request(request));
                    }
                    Parsed::Incomplete => break,
                    Parsed::Invalid(status) => {
                        heard.push(Heard::Refused(status));
                        return heard;
                    }
                }
                continue;
            };
            match draining.read(available) {
                Drained::Complete(length) => {
                    from += length;
                    drain = None;
                }
                Drained::Partial(length) => {
                    from += length;
                    break;
                }
                Drained::Invalid(status) => {
                    heard.push(Heard::Refused(status));
                    return heard;
                }
            }
        }
    }
    heard
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn where_bytes_are_cut_does_not_matter(
            pieces in prop::collection::vec(prop::sample::select(&[
                "GET /u/1 HTTP/1.1\r\nhost: a\r\n", "HEAD ", "/u/2", " HTTP/1.0\r\n", "\r\n", "\r\n\r\n", "\r", "\n",
                "content-length: 5\r\n", "transfer-encoding: chunked\r\n", "5\r\nhello\r\n", "0\r\n", "hello", "x: ",
                "expect: 100-continue\r\n", "connection: close\r\n", "host: b\r\n", " ", ":", "\0", "é",
            ][..]), 0..30),
            cuts: [usize; 3],
        ) {
            check_reading(pieces.concat().as_bytes(), &cuts);
        }
    }
}
