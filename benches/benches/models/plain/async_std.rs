//! The program on async-std.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use async_global_executor::GlobalExecutorConfig;
use async_std::future::timeout;
use async_std::net::TcpStream;
use async_std::task;
use smol_hyper::rt::FuturesIo;

use super::clients::GetAsync;
use super::{Work, hyper, spawn_each};

pub(super) fn global<C: GetAsync>(work: &Work) -> Result<()> {
    let threads = GlobalExecutorConfig::default().with_min_threads(work.cores).with_max_threads(work.cores);
    async_global_executor::init_with_config(threads);
    let client = C::new(work)?;
    task::block_on(task::spawn(spawn_each(work.urls, work.in_flight, move |id| {
        let client = client.clone();
        task::spawn(async move { client.get(id).await })
    })));
    Ok(())
}

#[derive(Clone)]
pub(super) struct Runtime;

impl hyper::Runtime for Runtime {
    type Stream = FuturesIo<TcpStream>;

    async fn connect(address: SocketAddr) -> Self::Stream {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        FuturesIo::new(stream)
    }

    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        task::spawn(task);
    }

    async fn within(limit: Duration, future: impl Future<Output = ()> + Send) {
        timeout(limit, future).await.expect("a response in time");
    }
}
