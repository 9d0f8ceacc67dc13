//! Programs on tokio.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use futures_util::stream::{self, StreamExt};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::clients::GetAsync;
use super::{Work, hyper};

/// A task per URL, with at most `in_flight` at once.
async fn task_per_url<C: GetAsync>(client: C, in_flight: usize, mut next: impl FnMut() -> Option<u64>) {
    let mut tasks = JoinSet::new();
    while let Some(id) = next() {
        if tasks.len() == in_flight {
            tasks.join_next().await.expect("a task").expect("no panic");
        }
        let client = client.clone();
        tasks.spawn(async move { client.get(id).await });
    }
    tasks.join_all().await;
}

pub(super) fn multi_thread<C: GetAsync>(work: &Work) -> Result<()> {
    let runtime = Builder::new_multi_thread().worker_threads(work.cores).enable_all().build()?;
    let mut ids = 0..work.urls;
    let main = task_per_url(C::new(work)?, work.in_flight, move || ids.next());
    Ok(runtime.block_on(runtime.spawn(main))?)
}

pub(super) fn current_thread<C: GetAsync>(work: &Work) -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut ids = 0..work.urls;
    runtime.block_on(task_per_url(C::new(work)?, work.in_flight, || ids.next()));
    Ok(())
}

pub(super) fn buffered<C: GetAsync>(work: &Work) -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let client = C::new(work)?;
    let fetches = stream::iter(0..work.urls).map(|id| client.get(id));
    runtime.block_on(fetches.buffer_unordered(work.in_flight).collect::<()>());
    Ok(())
}

pub(super) fn per_core<C: GetAsync>(work: &Work) -> Result<()> {
    let (next, urls) = (Arc::new(AtomicU64::new(0)), work.urls);
    let mut threads = Vec::new();
    for _ in 0..work.cores {
        let (client, next, in_flight) = (C::new(work)?, next.clone(), work.in_flight / work.cores);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let next = move || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&id| id < urls);
        threads.push(thread::spawn(move || runtime.block_on(task_per_url(client, in_flight, next))));
    }
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    Ok(())
}

#[derive(Clone)]
pub(super) struct Runtime;

impl hyper::Runtime for Runtime {
    type Stream = TokioIo<TcpStream>;

    async fn connect(address: SocketAddr) -> Self::Stream {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        TokioIo::new(stream)
    }

    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(task);
    }

    async fn within(limit: Duration, future: impl Future<Output = ()> + Send) {
        timeout(limit, future).await.expect("a response in time");
    }
}
