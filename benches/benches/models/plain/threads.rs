//! Programs with blocking clients.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use anyhow::Result;
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use super::Work;
use super::clients::Get;

pub(super) fn sync<C: Get>(work: &Work) -> Result<()> {
    let client = C::new(work)?;
    (0..work.urls).for_each(|id| client.get(id));
    Ok(())
}

pub(super) fn pool<C: Get>(work: &Work) -> Result<()> {
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..work.in_flight {
            let client = C::new(work)?;
            let next = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&id| id < work.urls);
            scope.spawn(move || {
                while let Some(id) = next() {
                    client.get(id);
                }
            });
        }
        Ok(())
    })
}

pub(super) fn thread_per_request<C: Get>(work: &Work) -> Result<()> {
    let client = C::new(work)?;
    let (end, ended) = mpsc::channel();
    thread::scope(|scope| {
        for id in 0..work.urls {
            if id >= work.in_flight as u64 {
                ended.recv()?;
            }
            let (client, end) = (&client, end.clone());
            scope.spawn(move || {
                client.get(id);
                end.send(())
            });
        }
        Ok(())
    })
}

pub(super) fn rayon<C: Get>(work: &Work) -> Result<()> {
    let client = C::new(work)?;
    let pool = ThreadPoolBuilder::new().num_threads(work.in_flight).build()?;
    let ids: Vec<u64> = (0..work.urls).collect();
    pool.install(|| ids.par_iter().with_max_len(1).for_each(|&id| client.get(id)));
    Ok(())
}
