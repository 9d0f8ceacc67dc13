//! An invariant of the request parser, for the fuzzer and the property tests.

use super::drain::Drained;
use super::request::{self, MAX_HEAD_BYTES, Parsed, Request};

/// A request, or the status that refuses one.
type Item = Result<Request, u16>;

/// Parses bytes as a connection does, in pieces that end at `cuts`. Panics unless the requests found are the same
/// as in one piece: how TCP splits bytes must not change their meaning.
pub fn check_request_parsing(bytes: &[u8], cuts: &[usize]) {
    let whole = parse(bytes, &[]);
    let pieces = parse(bytes, cuts);
    // A refusal for length may come sooner, after fewer bytes.
    let refused_for_length = |items: &[Item]| matches!(items.last(), Some(Err(414 | 431)));
    if !(refused_for_length(&whole) || refused_for_length(&pieces)) {
        assert_eq!(whole, pieces);
    }
}

fn parse(bytes: &[u8], cuts: &[usize]) -> Vec<Item> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let (mut items, mut from, mut drain) = (Vec::new(), 0, None);
    for end in ends {
        while from <= end {
            let available = &bytes[from..end];
            let Some(draining) = &mut drain else {
                match request::parse(available) {
                    Parsed::Request(request, length) => {
                        assert!(0 < length && length <= available.len() && length <= MAX_HEAD_BYTES);
                        from += length;
                        drain = request.body;
                        items.push(Ok(request));
                    }
                    Parsed::Incomplete => break,
                    Parsed::Invalid(status) => {
                        items.push(Err(status));
                        return items;
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
                    items.push(Err(status));
                    return items;
                }
            }
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn requests_are_the_same_however_the_bytes_are_split(
            pieces in prop::collection::vec(prop::sample::select(&[
                "GET /u/1 HTTP/1.1\r\nhost: a\r\n", "HEAD ", "/u/2", " HTTP/1.0\r\n", "\r\n", "\r\n\r\n", "\r", "\n",
                "content-length: 5\r\n", "transfer-encoding: chunked\r\n", "5\r\nhello\r\n", "0\r\n", "hello", "x: ",
                "expect: 100-continue\r\n", "connection: close\r\n", "host: b\r\n", " ", ":", "\0", "é",
            ][..]), 0..30),
            cuts: [usize; 3],
        ) {
            check_request_parsing(pieces.concat().as_bytes(), &cuts);
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, cuts: [usize; 3]) {
            check_request_parsing(&bytes, &cuts);
        }
    }
}
