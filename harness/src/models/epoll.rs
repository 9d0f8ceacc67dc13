//! One readiness loop by hand: no runtime at all, the least cost, which all others are held against.

use std::time::{Duration, Instant};

use anyhow::Result;
use mio::{Events, Poll, Token};

use super::{Model, Pairing};
use crate::clients::Client;
use crate::clients::common::readiness::{Lane, Readiness};
use crate::protocol::Plan;
use crate::worker::{Finished, Gate};

/// How often the loop looks for requests that take too long, and events it takes at a time.
const TICK: Duration = Duration::from_millis(100);
const EVENTS: usize = 256;

pub(super) const MODEL: Model = Model {
    name: "epoll",
    about: "one readiness loop by hand: no runtime at all",
    details: "The main thread, and no other. A socket is registered once, edge-triggered, so a request \
        takes a write, a read, and a share of a wait. (epoll is Linux's; elsewhere it is what the \
        system has instead.) Nobody deploys this: it is what the others are measured against.",
    max_in_flight: None,
    no_rate: None,
    clients: &[Pairing::common::<Readiness>(run)],
};

fn run(plan: &Plan, gate: Gate) -> Result<Finished> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(EVENTS);
    let registry = poll.registry().try_clone()?;
    let client = Readiness::new(plan)?;
    let mut lanes: Vec<Lane> = (0..plan.in_flight.min(plan.ids.len())).map(|i| Lane::new(Token(i))).collect();

    let recorder = gate.recorder();
    let mut left = plan.ids.len();
    let mut ids = plan.ids.iter().copied().peekable();
    // Begins what is due while lanes are free, and says how long it is until the next is due.
    let mut begin = |lanes: &mut [Lane], free: &mut Vec<usize>, left: &mut usize| {
        while let (Some(&lane), Some(&id)) = (free.last(), ids.peek()) {
            match recorder.until_due(id) {
                Some(wait) => return wait,
                None => ids.next(),
            };
            match lanes[lane].begin(&client, &registry, recorder.begin(id)) {
                true => *left -= 1,
                false => _ = free.pop(),
            }
        }
        TICK
    };

    let go = gate.ready("no runtime, 1 thread", Readiness::VERSION)?;
    let mut free: Vec<usize> = (0..lanes.len()).rev().collect();
    let mut wait = begin(&mut lanes, &mut free, &mut left);
    let mut looked = Instant::now();
    while left > 0 {
        poll.poll(&mut events, Some(wait.min(TICK)))?;
        for event in &events {
            let lane = event.token().0;
            if lanes[lane].advance(&client, &registry, event) {
                left -= 1;
                free.push(lane);
                begin(&mut lanes, &mut free, &mut left);
            }
        }
        if looked.elapsed() >= TICK {
            for (number, lane) in lanes.iter_mut().enumerate() {
                if lane.expire(&client) {
                    left -= 1;
                    free.push(number);
                }
            }
            looked = Instant::now();
        }
        wait = begin(&mut lanes, &mut free, &mut left);
    }
    go.done()
}
