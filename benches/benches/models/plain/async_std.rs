//! The program on async-std.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use async_global_executor::GlobalExecutorConfig;
use async_std::future::timeout;
use async_std::net::TcpStream;
use async_std::task;
use futures_util::stream::{FuturesUnordered, StreamExt};
use smol_hyper::rt::FuturesIo;

use super::clients::GetAsync;
use super::{Work, hyper};

pub(super) fn global<C: GetAsync>(work: &Work) -> Result<()> {
    let threads = GlobalExecutorConfig::default().with_min_threads(work.cores).with_max_threads(work.cores);
    async_global_executor::init_with_config(threads);
    let (client, urls, in_flight) = (C::new(work)?, work.urls, work.in_flight);
    task::block_on(task::spawn(async move {
        let mut tasks = FuturesUnordered::new();
        for id in 0..urls {
            if tasks.len() == in_flight {
                tasks.next().await;
            }
            let client = client.clone();
            tasks.push(task::spawn(async move { client.get(id).await }));
        }
        tasks.collect::<()>().await;
    }));
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
