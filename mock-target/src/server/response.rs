//! Responses as bytes that exist already: a head, a tag, a slice of noise.
//!
//! What is left to send of a response is known by the number of bytes already sent. Nothing is copied
//! aside for a short write, because the same bytes can be pointed at again.

use std::io::{IoSlice, Write};

use super::request::Wish;
use crate::body::{Bodies, TAG_BYTES};
use crate::scenario::{Lie, Scenario};

/// The bytes that responses are made of, prepared once a scenario.
pub(super) struct Press {
    scenario: Scenario,
    bodies: Bodies,
    head: Vec<u8>,
    last_head: Vec<u8>,
}

impl Press {
    pub(super) fn new(scenario: Scenario) -> Press {
        let bodies = scenario.bodies();
        let common = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: {}\r\n",
            bodies.len()
        );
        Press {
            head: format!("{common}\r\n").into_bytes(),
            last_head: format!("{common}connection: close\r\n\r\n").into_bytes(),
            bodies,
            scenario,
        }
    }

    /// The id under which a request for `id` is answered, or 404 where the scenario has no such URL.
    pub(super) fn answer_to(&self, id: u64) -> Wish {
        if id >= self.scenario.urls {
            return Wish::Unplanned(404);
        }
        match self.scenario.lie {
            Some(Lie::ServeTwice(twice)) if id == (twice + 1) % self.scenario.urls => Wish::Url(twice),
            _ => Wish::Url(id),
        }
    }

    /// The planned delay of a URL, in nanoseconds.
    pub(super) fn delay_ns(&self, id: u64) -> u64 {
        self.scenario.delay_ns(id)
    }

    /// Hands `write` what is left of the answer to `wish` after its first `sent` bytes.
    ///
    /// Returns what `write` returned, and how many bytes were left.
    pub(super) fn rest<R>(
        &self,
        wish: Wish,
        keep_alive: bool,
        sent: usize,
        write: impl FnOnce(&[IoSlice<'_>]) -> R,
    ) -> (R, usize) {
        let mut refusal = [0; 128];
        let mut tag = [0; TAG_BYTES];
        let (head, tag, noise) = match wish {
            Wish::Url(id) => {
                let noise;
                (tag, noise) = self.bodies.parts(id);
                if self.scenario.lie == Some(Lie::WrongByte(id)) {
                    tag[0] ^= 1;
                }
                let head = if keep_alive { &self.head } else { &self.last_head };
                (head.as_slice(), &tag[..TAG_BYTES.min(self.bodies.len())], noise)
            }
            Wish::Unplanned(status) => (write_refusal(&mut refusal, status, keep_alive), &tag[..0], &[][..]),
        };
        let mut slices = [IoSlice::new(head), IoSlice::new(tag), IoSlice::new(noise)];
        let mut left = &mut slices[..];
        IoSlice::advance_slices(&mut left, sent);
        (write(left), head.len() + tag.len() + noise.len() - sent)
    }
}

/// An answer outside the plan: a status line and no body.
fn write_refusal(place: &mut [u8; 128], status: u16, keep_alive: bool) -> &[u8] {
    let reason = match status {
        404 => "Not Found",
        405 => "Method Not Allowed\r\nallow: GET",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        505 => "HTTP Version Not Supported",
        _ => "Bad Request",
    };
    let connection = if keep_alive { "" } else { "connection: close\r\n" };
    let mut free = &mut place[..];
    write!(free, "HTTP/1.1 {status} {reason}\r\ncontent-length: 0\r\n{connection}\r\n")
        .expect("the longest is shorter than the place");
    let length = 128 - free.len();
    &place[..length]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn press(body_bytes: u64, lie: Option<Lie>) -> Press {
        Press::new(Scenario { body_bytes, lie, ..Scenario::preset("quick").expect("a preset") })
    }

    fn bytes_after(press: &Press, wish: Wish, keep_alive: bool, sent: usize) -> Vec<u8> {
        let collect = |slices: &[IoSlice<'_>]| slices.iter().flat_map(|slice| slice.to_vec()).collect();
        let (bytes, left): (Vec<u8>, usize) = press.rest(wish, keep_alive, sent, collect);
        assert_eq!(bytes.len(), left);
        bytes
    }

    #[test]
    fn a_response_is_a_head_and_the_planned_body() {
        let press = press(100, None);
        let response = bytes_after(&press, Wish::Url(5), true, 0);
        let head =
            b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: 100\r\n\r\n";
        assert_eq!(&response[..head.len()], head);
        assert_eq!(crc32fast::hash(&response[head.len()..]), press.bodies.crc32(5));
    }

    #[test]
    fn every_refusal_fits_its_place() {
        for status in [400, 404, 405, 413, 431, 505, 999] {
            let bytes = bytes_after(&press(10, None), Wish::Unplanned(status), false, 0);
            assert!(bytes.starts_with(format!("HTTP/1.1 {status} ").as_bytes()));
            assert!(bytes.ends_with(b"\r\nconnection: close\r\n\r\n"));
        }
    }

    #[test]
    fn lies_are_told_about_one_url_only() {
        let (honest, liar) = (press(100, None), press(100, Some(Lie::WrongByte(5))));
        for id in 0..10 {
            let differing = bytes_after(&honest, Wish::Url(id), true, 0)
                .iter()
                .zip(bytes_after(&liar, Wish::Url(id), true, 0))
                .filter(|(a, b)| *a != b)
                .count();
            assert_eq!(differing, usize::from(id == 5));
        }
        let liar = press(100, Some(Lie::ServeTwice(999)));
        assert_eq!(liar.answer_to(0), Wish::Url(999));
        assert_eq!(liar.answer_to(1), Wish::Url(1));
        assert_eq!(liar.answer_to(1_000), Wish::Unplanned(404));
    }

    proptest! {
        #[test]
        fn what_is_left_is_what_was_not_sent(body_bytes in 0..200u64, id in 0..1_000u64, sent in 0..200usize) {
            let press = press(body_bytes, None);
            let whole = bytes_after(&press, Wish::Url(id), true, 0);
            let sent = sent.min(whole.len());
            prop_assert_eq!(bytes_after(&press, Wish::Url(id), true, sent), &whole[sent..]);
        }
    }
}
