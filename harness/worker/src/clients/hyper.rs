//! hyper's connections without a pool: the base of reqwest, and the client of runtimes that have none of
//! their own.

use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use ::hyper::body::Bytes;
use ::hyper::client::conn::http1::{self, SendRequest};
use ::hyper::header::HOST;
use ::hyper::{Error, Request};
use anyhow::Result;
use http_body_util::{BodyExt, Empty};

use super::common::endpoint::Endpoint;
use super::runtime::{self, Runtime};
use super::{AsyncFetch, Client, UNPOISONED, kind_of_cause};
use crate::protocol::{ErrorKind, Fetched, Outcome, Plan};

/// One client, shared by all tasks. A clone is a new handle.
pub(crate) struct Hyper<R>(Arc<Shared>, PhantomData<fn() -> R>);

struct Shared {
    endpoint: Endpoint,
    /// The handles of idle connections. Each connection itself is a task.
    idle: Mutex<Vec<Requests>>,
}

type Requests = SendRequest<Empty<Bytes>>;

impl<R> Clone for Hyper<R> {
    fn clone(&self) -> Self {
        Hyper(self.0.clone(), PhantomData)
    }
}

impl<R: Runtime> Client for Hyper<R> {
    const VERSION: &str = concat!("hyper ", env!("VERSION_hyper"));
    const DETAILS: &str = "Connections of hyper::client::conn::http1 over the runtime's own sockets, each a task of its \
        own as in hyper's documentation, and a list of idle ones. A body is read frame by frame and not kept. A \
        connection that the server closed before the request was written is replaced by a new one. Keep-alive, \
        TCP_NODELAY; no proxy, no redirects, no decompression, no retries of requests that were sent.";

    fn new(plan: &Plan) -> Result<Self> {
        Ok(Hyper(Arc::new(Shared { endpoint: Endpoint::of(plan)?, idle: Mutex::default() }), PhantomData))
    }
}

impl<R: Runtime> AsyncFetch for Hyper<R> {
    async fn fetch(&self, id: u64) -> Fetched {
        let outcome = R::timeout(self.0.endpoint.request_timeout, self.get(id)).await;
        outcome.unwrap_or(Err(ErrorKind::Timeout)).into()
    }
}

impl<R: Runtime> Hyper<R> {
    async fn get(&self, id: u64) -> Result<Outcome, ErrorKind> {
        let request = Request::get(self.0.endpoint.path(id)).header(HOST, self.0.endpoint.authority());
        let request = request.body(Empty::new()).map_err(|_| ErrorKind::Other)?;
        let mut requests = match self.0.idle().await {
            Some(idle) => idle,
            None => self.open().await?,
        };
        let response = match requests.try_send_request(request).await {
            Ok(response) => response,
            Err(mut error) => {
                let unsent = error.take_message().ok_or_else(|| kind(&error.into_error()))?;
                requests = self.open().await?;
                requests.send_request(unsent).await.map_err(|error| kind(&error))?
            }
        };
        let status = response.status().as_u16();
        let (mut bytes, mut crc32) = (0, crc32fast::Hasher::new());
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            if let Some(data) = frame.map_err(|error| kind(&error))?.data_ref() {
                bytes += data.len() as u64;
                crc32.update(data);
            }
        }
        if !requests.is_closed() {
            self.0.idle.lock().expect(UNPOISONED).push(requests);
        }
        Ok(Outcome::Response { status, bytes, crc32: crc32.finalize() })
    }

    /// Opens a connection. The future is boxed, so that the task of every request is not as large as what only the
    /// first requests need.
    fn open(&self) -> Pin<Box<dyn Future<Output = Result<Requests, ErrorKind>> + Send + '_>> {
        Box::pin(async move {
            let stream =
                runtime::connect::<R>(self.0.endpoint.address, self.0.endpoint.connect_timeout).await?;
            let (requests, connection) = http1::handshake(stream).await.map_err(|error| kind(&error))?;
            // The request in flight on a connection gets its error, if there is one.
            R::spawn(async move { _ = connection.await });
            Ok(requests)
        })
    }
}

impl Shared {
    /// An idle connection that is still open.
    async fn idle(&self) -> Option<Requests> {
        loop {
            let mut requests = self.idle.lock().expect(UNPOISONED).pop()?;
            if requests.ready().await.is_ok() {
                return Some(requests);
            }
        }
    }
}

fn kind(error: &Error) -> ErrorKind {
    kind_of_cause(error).unwrap_or(ErrorKind::Other)
}
