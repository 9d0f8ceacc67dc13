//! What async clients need from a runtime: connections, tasks and timeouts.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::FutureExt;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use smol_hyper::rt::FuturesIo;

use super::kind_of_connecting;
use crate::protocol::ErrorKind;

/// An async runtime, as clients use it.
pub trait Runtime: 'static {
    /// A connection. The streams of every runtime have adapters to hyper's two traits.
    type Stream: Read + Write + Unpin + Send + 'static;

    /// Connects, with `TCP_NODELAY`.
    fn connect(address: SocketAddr) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Spawns `task` and detaches it.
    fn spawn(task: impl Future<Output = ()> + Send + 'static);

    /// The output of `future`, or `None` after `limit`. This is no `async fn`, since that would hold `future` twice: as
    /// its argument and as what it awaits.
    fn timeout<F: Future + Send>(
        limit: Duration,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + Send;
}

/// Connects, within `limit`.
pub(crate) async fn connect<R: Runtime>(
    address: SocketAddr,
    limit: Duration,
) -> Result<R::Stream, ErrorKind> {
    let connected = R::timeout(limit, R::connect(address)).await;
    connected.ok_or(ErrorKind::Timeout)?.map_err(kind_of_connecting)
}

/// tokio's reactor and timer.
pub struct Tokio;

impl Runtime for Tokio {
    type Stream = TokioIo<tokio::net::TcpStream>;

    async fn connect(address: SocketAddr) -> io::Result<Self::Stream> {
        let stream = tokio::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(stream))
    }

    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(task);
    }

    fn timeout<F: Future + Send>(
        limit: Duration,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + Send {
        tokio::time::timeout(limit, future).map(Result::ok)
    }
}

/// async-std's streams and timeouts, which use the same reactor as smol's.
pub struct AsyncStd;

impl Runtime for AsyncStd {
    type Stream = FuturesIo<async_std::net::TcpStream>;

    async fn connect(address: SocketAddr) -> io::Result<Self::Stream> {
        let stream = async_std::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(FuturesIo::new(stream))
    }

    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        async_std::task::spawn(task);
    }

    fn timeout<F: Future + Send>(
        limit: Duration,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + Send {
        async_std::future::timeout(limit, future).map(Result::ok)
    }
}

/// An executor as in `smol::spawn`, without threads of its own: models run it on as many as they need.
pub static SMOL: smol::Executor<'_> = smol::Executor::new();

/// smol's reactor and timer.
pub struct Smol;

impl Runtime for Smol {
    type Stream = FuturesIo<smol::net::TcpStream>;

    async fn connect(address: SocketAddr) -> io::Result<Self::Stream> {
        let stream = smol::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(FuturesIo::new(stream))
    }

    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        SMOL.spawn(task).detach();
    }

    fn timeout<F: Future + Send>(
        limit: Duration,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + Send {
        let late = smol::Timer::after(limit).map(|_| None);
        smol::future::or(future.map(Some), late)
    }
}
