//! A worker that counts its allocations, and prints the number on stderr at the end.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{self, BufReader};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use inflight::{models, worker};

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: all calls are forwarded to the system's allocator, which fulfils the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller fulfils the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the same.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the same.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> Result<()> {
    worker::work(BufReader::new(io::stdin()), io::stdout(), |plan, setup| {
        let run = models::find(&plan.model, &plan.client).context("no such model")?;
        run(plan, setup)
    })?;
    eprintln!("{}", ALLOCATIONS.load(Ordering::Relaxed));
    Ok(())
}
