//! A response that is ready to send: its bytes, its pacing, and what follows the last byte.

use std::io::IoSlice;

use crate::pace::Pace;

/// The bytes of a response, borrowed from where they are, and how to send them.
pub(super) struct Response<'a> {
    parts: [&'a [u8]; 5],
    /// How many of the bytes are sent at all.
    pub(super) length: usize,
    /// How fast; `None` is at once.
    pub(super) pacing: Option<Pacing>,
    /// What follows the last byte.
    pub(super) ending: Ending,
}

/// A response sent in steps, a fixed time apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pacing {
    first_bytes: usize,
    step_bytes: usize,
    pub(super) gap_ns: u64,
}

/// What follows the last byte of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The connection stays open or is closed, as the request asks.
    Normal,
    Close,
    Reset,
    /// Nothing, for as long as the client stays.
    Stall,
    /// The same bytes again, for as long as the client stays.
    Repeat,
}

impl<'a> Response<'a> {
    /// A head, and, unless only the head is requested, a body in parts, at its pace.
    pub(super) fn new(
        head: &'a [u8],
        body: [&'a [u8]; 4],
        head_only: bool,
        pace: Option<Pace>,
    ) -> Response<'a> {
        let [a, b, c, d] = if head_only { [&[][..]; 4] } else { body };
        let parts = [head, a, b, c, d];
        let pacing = pace.map(|pace| Pacing {
            first_bytes: head.len() + pace.piece_bytes as usize,
            step_bytes: pace.piece_bytes as usize,
            gap_ns: pace.gap_ns,
        });
        Response { parts, length: parts.iter().map(|part| part.len()).sum(), pacing, ending: Ending::Normal }
    }

    /// The same bytes again and again, for as long as the client stays.
    pub(super) fn repeated(bytes: &'a [u8]) -> Response<'a> {
        Response { ending: Ending::Repeat, ..Response::new(bytes, [&[]; 4], true, None) }
    }

    /// One byte per step.
    pub(super) fn dribbled(self, gap_ns: u64) -> Self {
        Response { pacing: Some(Pacing { first_bytes: 1, step_bytes: 1, gap_ns }), ..self }
    }

    /// The same bytes with another ending.
    pub(super) fn ending(self, ending: Ending) -> Self {
        Response { ending, ..self }
    }

    /// At most the first `length` bytes, then `ending`.
    pub(super) fn truncated(self, length: usize, ending: Ending) -> Self {
        Response { length: length.min(self.length), ending, ..self }
    }

    /// The head and the first `at` bytes of the body, or half of the body, then `ending`.
    pub(super) fn truncated_in_body(self, at: Option<u64>, ending: Ending) -> Self {
        let (head, length) = (self.parts[0].len(), self.length);
        let at = at.map_or((length - head) / 2, |at| usize::try_from(at).unwrap_or(usize::MAX));
        self.truncated(head.saturating_add(at), ending)
    }

    /// How many bytes are due after `step` steps.
    pub(super) fn due_bytes(&self, step: u32) -> usize {
        let Some(pacing) = self.pacing else { return self.length };
        pacing.first_bytes.saturating_add(pacing.step_bytes.saturating_mul(step as usize)).min(self.length)
    }

    /// Calls `write` with the bytes from `from` to `to`.
    pub(super) fn write_range<R>(
        &self,
        from: usize,
        to: usize,
        write: impl FnOnce(&[IoSlice<'_>]) -> R,
    ) -> R {
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
