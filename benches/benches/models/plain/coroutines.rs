//! The program on may.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use may::{coroutine, go};

use super::Work;
use super::clients::Get;

pub(super) fn run<C: Get>(work: &Work) -> Result<()> {
    may::config().set_workers(work.cores).set_stack_size(8 << 10);
    let (client, next) = (C::new(work)?, AtomicU64::new(0));
    let next = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&id| id < work.urls);
    coroutine::scope(|scope| {
        let fetch_all = || {
            while let Some(id) = next() {
                client.get(id);
            }
        };
        (0..work.in_flight).for_each(|_| drop(go!(scope, fetch_all)));
    });
    Ok(())
}
