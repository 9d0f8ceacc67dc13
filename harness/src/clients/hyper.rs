//! hyper's connections by themselves: what reqwest stands on, and what runtimes without a client of
//! their own use.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use ::hyper::body::Bytes;
use ::hyper::client::conn::http1::{self, SendRequest};
use ::hyper::header::HOST;
use ::hyper::rt::{Read, Write};
use ::hyper::{Error, Request};
use anyhow::Result;
use http_body_util::{BodyExt, Empty};

use super::common::site::Site;
use super::net::{self, Net};
use super::{AsyncFetch, Client, kind_of_cause};
use crate::protocol::{ErrorKind, Fetched, Outcome, Plan};

/// One client, shared by all tasks. A clone is a new handle.
pub(crate) struct Hyper<N: Net>(Arc<Shared<N::Stream>>);

struct Shared<S: Read + Write + Unpin> {
    site: Site,
    idle: Mutex<Vec<Connection<S>>>,
}

/// A connection is two halves: one takes requests, the other moves the bytes and must be polled.
struct Connection<S: Read + Write + Unpin> {
    requests: SendRequest<Empty<Bytes>>,
    bytes: http1::Connection<S, Empty<Bytes>>,
}

impl<N: Net> Clone for Hyper<N> {
    fn clone(&self) -> Self {
        Hyper(self.0.clone())
    }
}

impl<N: Net> Client for Hyper<N> {
    const VERSION: &str = concat!("hyper ", env!("VERSION_hyper"));
    const DETAILS: &str = "Connections of hyper::client::conn::http1 over the runtime's own sockets, \
        and a plain list of idle ones. Each is polled by the task that waits for it, so no second \
        task is woken for a response. An idle connection that the server closed is noticed before it \
        is used. Keep-alive, TCP_NODELAY; no proxy, no redirects, no decompression, no retries.";

    fn new(plan: &Plan) -> Result<Self> {
        Ok(Hyper(Arc::new(Shared { site: Site::of(plan)?, idle: Mutex::default() })))
    }
}

impl<N: Net> AsyncFetch for Hyper<N> {
    async fn fetch(&self, id: u64) -> Fetched {
        let outcome = N::within(self.0.site.request_timeout, self.get(id)).await;
        outcome.unwrap_or(Err(ErrorKind::Timeout)).into()
    }
}

impl<N: Net> Hyper<N> {
    async fn get(&self, id: u64) -> Result<Outcome, ErrorKind> {
        let request = Request::get(self.0.site.path(id)).header(HOST, self.0.site.authority());
        let request = request.body(Empty::new()).map_err(|_| ErrorKind::Other)?;
        let Connection { mut requests, bytes } = match self.0.idle().await {
            Some(idle) => idle,
            None => self.open().await?,
        };
        let mut bytes = Some(bytes);
        let outcome = with_bytes_moving(&mut bytes, async {
            requests.ready().await?;
            let response = requests.send_request(request).await?;
            let status = response.status().as_u16();
            let body = response.into_body().collect().await?.to_bytes();
            Ok(Outcome::response(status, &body))
        });
        let outcome = outcome.await.map_err(|error: Error| kind(&error))?;
        if let Some(bytes) = bytes.filter(|_| !requests.is_closed()) {
            self.0.idle.lock().expect(UNPOISONED).push(Connection { requests, bytes });
        }
        Ok(outcome)
    }

    async fn open(&self) -> Result<Connection<N::Stream>, ErrorKind> {
        let stream = net::connect::<N>(self.0.site.address, self.0.site.connect_timeout).await?;
        let (requests, bytes) = http1::handshake(stream).await.map_err(|error| kind(&error))?;
        Ok(Connection { requests, bytes })
    }
}

impl<S: Read + Write + Unpin> Shared<S> {
    /// An idle connection that is still open.
    async fn idle(&self) -> Option<Connection<S>> {
        loop {
            let mut connection = self.idle.lock().expect(UNPOISONED).pop()?;
            let open =
                poll_fn(|context| Poll::Ready(Pin::new(&mut connection.bytes).poll(context).is_pending()));
            if open.await {
                return Some(connection);
            }
        }
    }
}

const UNPOISONED: &str = "nothing panics while it holds the lock";

/// What `exchange` gives, with the connection's bytes moving meanwhile. A connection that has come to
/// its end is dropped: only then does an exchange learn of it that was not taken up.
async fn with_bytes_moving<S, T>(
    bytes: &mut Option<http1::Connection<S, Empty<Bytes>>>,
    exchange: impl Future<Output = T>,
) -> T
where
    S: Read + Write + Unpin,
{
    let mut exchange = pin!(exchange);
    poll_fn(|context| {
        if let Poll::Ready(output) = exchange.as_mut().poll(context) {
            return Poll::Ready(output);
        }
        if bytes.as_mut().is_some_and(|bytes| Pin::new(bytes).poll(context).is_ready()) {
            *bytes = None;
        }
        exchange.as_mut().poll(context)
    })
    .await
}

fn kind(error: &Error) -> ErrorKind {
    kind_of_cause(error).unwrap_or(ErrorKind::Other)
}
