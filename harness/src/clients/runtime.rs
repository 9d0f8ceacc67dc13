//! What an async client needs of a runtime: a stream and a clock.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::FutureExt;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use smol_hyper::rt::FuturesIo;

use super::kind_of_connecting;
use crate::protocol::ErrorKind;

/// A runtime, as a client sees it.
pub trait Net: 'static {
    /// A connection. hyper's two traits are the one language that streams of every runtime can speak.
    type Stream: Read + Write + Unpin + Send + 'static;

    /// Connects, with `TCP_NODELAY`.
    fn connect(address: SocketAddr) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Runs `task` beside the others.
    fn spawn(task: impl Future<Output = ()> + Send + 'static);

    /// What `future` gives, if it does so in time. It is no `async fn`, which would hold `future` twice: as what it was
    /// given, and as what it waits for.
    fn within<F: Future + Send>(limit: Duration, future: F)
    -> impl Future<Output = Option<F::Output>> + Send;
}

/// Connects in time.
pub(crate) async fn connect<N: Net>(address: SocketAddr, limit: Duration) -> Result<N::Stream, ErrorKind> {
    let connected = N::within(limit, N::connect(address)).await;
    connected.ok_or(ErrorKind::Timeout)?.map_err(kind_of_connecting)
}

/// tokio's reactor and timer.
pub struct OnTokio;

impl Net for OnTokio {
    type Stream = TokioIo<tokio::net::TcpStream>;

    async fn connect(address: SocketAddr) -> io::Result<Self::Stream> {
        let stream = tokio::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(stream))
    }

    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(task);
    }

    fn within<F: Future + Send>(
        limit: Duration,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + Send {
        tokio::time::timeout(limit, future).map(Result::ok)
    }
}

/// async-std's own streams and timeouts, which stand on the reactor that smol's stand on.
pub struct OnAsyncStd;

impl Net for OnAsyncStd {
    type Stream = FuturesIo<async_std::net::TcpStream>;

    async fn connect(address: SocketAddr) -> io::Result<Self::Stream> {
        let stream = async_std::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(FuturesIo::new(stream))
    }

    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        async_std::task::spawn(task);
    }

    fn within<F: Future + Send>(
        limit: Duration,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + Send {
        async_std::future::timeout(limit, future).map(Result::ok)
    }
}

/// What `smol::spawn` has inside, with no thread of its own: those who run it say on how many.
pub static SMOL: smol::Executor<'_> = smol::Executor::new();

/// smol's reactor and timer.
pub struct OnSmol;

impl Net for OnSmol {
    type Stream = FuturesIo<smol::net::TcpStream>;

    async fn connect(address: SocketAddr) -> io::Result<Self::Stream> {
        let stream = smol::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(FuturesIo::new(stream))
    }

    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        SMOL.spawn(task).detach();
    }

    fn within<F: Future + Send>(
        limit: Duration,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + Send {
        let late = smol::Timer::after(limit).map(|_| None);
        smol::future::or(future.map(Some), late)
    }
}
