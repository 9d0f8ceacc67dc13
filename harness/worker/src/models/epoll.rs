//! One hand-written readiness loop: no runtime at all, and the lowest cost, the baseline of all others.

use std::time::{Duration, Instant};

use anyhow::Result;
use mio::{Events, Poll, Token};

use super::{COMMON, Model, Pairing};
use crate::clients::Client;
use crate::clients::common::readiness::{Readiness, Slot};
use crate::protocol::Plan;
use crate::{Done, Setup};

/// How often the loop checks for timed-out requests, and how many events it takes at a time.
const TICK: Duration = Duration::from_millis(100);
const EVENTS: usize = 256;

pub(super) const MODEL: Model = Model {
    name: "epoll",
    about: "one hand-written readiness loop: no runtime at all",
    details: "The main thread, and no other. A socket is registered once, edge-triggered, so a request takes a \
        write, a read, and a share of a poll. (epoll is Linux's; other systems use their own equivalent.) Nobody \
        deploys this: it is the baseline for the cost of the other models.",
    max_in_flight: None,
    no_rate: None,
    clients: &[Pairing::new::<Readiness>(COMMON, run)],
};

fn run(plan: &Plan, setup: Setup) -> Result<Done> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(EVENTS);
    let registry = poll.registry().try_clone()?;
    let client = Readiness::new(plan)?;
    let mut slots: Vec<Slot> = (0..plan.in_flight.min(plan.ids.len())).map(|i| Slot::new(Token(i))).collect();

    let recorder = setup.recorder();
    let mut left = plan.ids.len();
    let mut ids = plan.ids.iter().copied().peekable();
    // Begins requests that are due while slots are free. Returns the time until the next is due.
    let mut begin = |slots: &mut [Slot], free: &mut Vec<usize>, left: &mut usize| {
        while let (Some(&slot), Some(&id)) = (free.last(), ids.peek()) {
            match recorder.until_due(id) {
                Some(wait) => return wait,
                None => ids.next(),
            };
            match slots[slot].begin(&client, &registry, recorder.begin(id)) {
                true => *left -= 1,
                false => _ = free.pop(),
            }
        }
        TICK
    };

    let running = setup.ready("no runtime, 1 thread", Readiness::VERSION)?;
    let mut free: Vec<usize> = (0..slots.len()).rev().collect();
    let mut wait = begin(&mut slots, &mut free, &mut left);
    let mut last_tick = Instant::now();
    while left > 0 {
        poll.poll(&mut events, Some(wait.min(TICK)))?;
        for event in &events {
            let slot = event.token().0;
            if slots[slot].on_event(&client, &registry, event) {
                left -= 1;
                free.push(slot);
                begin(&mut slots, &mut free, &mut left);
            }
        }
        if last_tick.elapsed() >= TICK {
            for (number, slot) in slots.iter_mut().enumerate() {
                if slot.expire(&client) {
                    left -= 1;
                    free.push(number);
                }
            }
            last_tick = Instant::now();
        }
        wait = begin(&mut slots, &mut free, &mut left);
    }
    running.done()
}
