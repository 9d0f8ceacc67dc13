//! What is sent in answer to a request: which bytes, how fast, and what happens then.

use std::io::IoSlice;

use crate::pace::Pace;

/// What is to be sent in answer to a request.
pub(super) struct Delivery<'a> {
    parts: [&'a [u8]; 5],
    /// How many of the bytes are sent at all.
    pub(super) length: usize,
    /// How fast, if not at once.
    pub(super) steps: Option<Steps>,
    /// What happens after the last byte.
    pub(super) ending: Ending,
}

/// A delivery in steps: so many bytes first, then so many more at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    first: usize,
    each: usize,
    pub(super) gap_ns: u64,
}

/// What happens after the last byte of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// What the client asked for.
    AsAsked,
    Close,
    Reset,
    /// Nothing, for as long as the client stays.
    Stall,
    /// The same bytes again, for as long as the client stays.
    Repeat,
}

impl<'a> Delivery<'a> {
    /// A head, and unless the head alone is asked for, a body in parts, at its pace.
    pub(super) fn new(
        head: &'a [u8],
        body: [&'a [u8]; 4],
        head_only: bool,
        pace: Option<Pace>,
    ) -> Delivery<'a> {
        let [a, b, c, d] = if head_only { [&[][..]; 4] } else { body };
        let parts = [head, a, b, c, d];
        let steps = pace.map(|pace| Steps {
            first: head.len() + pace.piece_bytes as usize,
            each: pace.piece_bytes as usize,
            gap_ns: pace.gap_ns,
        });
        Delivery { parts, length: parts.iter().map(|part| part.len()).sum(), steps, ending: Ending::AsAsked }
    }

    /// The same bytes again and again, for as long as the client stays.
    pub(super) fn repeated(bytes: &'a [u8]) -> Delivery<'a> {
        Delivery { ending: Ending::Repeat, ..Delivery::new(bytes, [&[]; 4], true, None) }
    }

    /// The same, but a byte at a time.
    pub(super) fn dribbled(self, gap_ns: u64) -> Self {
        Delivery { steps: Some(Steps { first: 1, each: 1, gap_ns }), ..self }
    }

    /// The same, but with another ending.
    pub(super) fn ending(self, ending: Ending) -> Self {
        Delivery { ending, ..self }
    }

    /// The same, but ending after `length` bytes.
    pub(super) fn cut(self, length: usize, ending: Ending) -> Self {
        Delivery { length: length.min(self.length), ending, ..self }
    }

    /// The same, but ending after the head and so many bytes of the body, or half of it.
    pub(super) fn cut_body(self, at: Option<u64>, ending: Ending) -> Self {
        let (head, length) = (self.parts[0].len(), self.length);
        let at = at.map_or((length - head) / 2, |at| usize::try_from(at).unwrap_or(usize::MAX));
        self.cut(head.saturating_add(at), ending)
    }

    /// How many bytes may have been sent after so many steps.
    pub(super) fn allowed(&self, step: u32) -> usize {
        let Some(steps) = self.steps else { return self.length };
        steps.first.saturating_add(steps.each.saturating_mul(step as usize)).min(self.length)
    }

    /// Hands `write` the bytes from `from` to `to`.
    pub(super) fn between<R>(&self, from: usize, to: usize, write: impl FnOnce(&[IoSlice<'_>]) -> R) -> R {
        let mut slices = [IoSlice::new(&[]); 5];
        let (mut begin, mut used) = (0, 0);
        for part in self.parts {
            let (start, end) = (from.max(begin), to.min(begin + part.len()));
            if start < end {
                slices[used] = IoSlice::new(&part[start - begin..end - begin]);
                used += 1;
            }
            begin += part.len();
        }
        write(&slices[..used])
    }
}
