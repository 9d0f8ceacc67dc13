//! Programs on smol.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use smol::net::TcpStream;
use smol::{Executor, LocalExecutor, Timer, future};
use smol_hyper::rt::FuturesIo;

use super::clients::GetAsync;
use super::{Work, hyper, spawn_each};

static EXECUTOR: Executor<'_> = Executor::new();

pub(super) fn multi_thread<C: GetAsync>(work: &Work) -> Result<()> {
    let client = C::new(work)?;
    for _ in 1..work.cores {
        thread::spawn(|| smol::block_on(EXECUTOR.run(future::pending::<()>())));
    }
    let main = EXECUTOR.spawn(spawn_each(work.urls, work.in_flight, move |id| {
        let client = client.clone();
        EXECUTOR.spawn(async move { client.get(id).await })
    }));
    smol::block_on(EXECUTOR.run(main));
    Ok(())
}

pub(super) fn local<C: GetAsync>(work: &Work) -> Result<()> {
    let (client, executor) = (C::new(work)?, LocalExecutor::new());
    let main = spawn_each(work.urls, work.in_flight, |id| {
        let client = client.clone();
        executor.spawn(async move { client.get(id).await })
    });
    // The global executor runs only hyper's connections.
    smol::block_on(EXECUTOR.run(executor.run(main)));
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
        EXECUTOR.spawn(task).detach();
    }

    async fn within(limit: Duration, future: impl Future<Output = ()> + Send) {
        let late = async {
            Timer::after(limit).await;
            panic!("no response in time");
        };
        future::or(future, late).await;
    }
}
