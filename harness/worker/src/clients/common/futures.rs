//! The common client for async models, whose tasks yield their thread while they wait.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use anyhow::Result;
use hyper::rt::{Read, ReadBuf, Write};

use super::endpoint::Endpoint;
use super::exchange::{Exchange, Method, Progress, Response};
use super::{MAX_READS_IN_A_ROW, READ_BYTES, VERSION, details, was_closed_while_idle};
use crate::clients::runtime::{self, Runtime};
use crate::clients::{AsyncFetch, Client, UNPOISONED};
use crate::protocol::{ErrorKind, Fetched, Plan};

/// One client, shared by all tasks. A clone is a new handle.
pub struct Futures<R: Runtime>(Arc<Shared<R::Stream>>);

struct Shared<S> {
    endpoint: Endpoint,
    idle: Mutex<Vec<Box<Connection<S>>>>,
}

impl<R: Runtime> Clone for Futures<R> {
    fn clone(&self) -> Self {
        Futures(self.0.clone())
    }
}

impl<R: Runtime> Client for Futures<R> {
    const VERSION: &str = VERSION;
    const DETAILS: &str = details!(
        "A buffer of 16 KiB a thread. No task waits while it uses the buffer, so a request in flight has none."
    );

    fn new(plan: &Plan) -> Result<Self> {
        Ok(Futures(Arc::new(Shared { endpoint: Endpoint::of(plan)?, idle: Mutex::default() })))
    }
}

impl<R: Runtime> AsyncFetch for Futures<R> {
    async fn fetch(&self, id: u64) -> Fetched {
        let fetched = R::timeout(self.0.endpoint.request_timeout, self.get(id)).await;
        fetched.unwrap_or_else(|| ErrorKind::Timeout.into())
    }
}

impl<R: Runtime> Futures<R> {
    async fn get(&self, id: u64) -> Fetched {
        let idle = self.0.idle.lock().expect(UNPOISONED).pop();
        let Some(mut connection) = idle else { return self.get_fresh(id).await };
        if connection.is_reusable().await {
            let result = connection.request(&self.0.endpoint, id).await;
            if !was_closed_while_idle(&connection.exchange, result) {
                return self.finish(connection, result);
            }
        }
        Fetched { resent: true, ..self.get_fresh(id).await }
    }

    /// Fetches over a new connection. The future is boxed, so that the task of every request is not as large as
    /// what only the first requests need.
    fn get_fresh(&self, id: u64) -> Pin<Box<dyn Future<Output = Fetched> + Send + '_>> {
        Box::pin(async move {
            match runtime::connect::<R>(self.0.endpoint.address, self.0.endpoint.connect_timeout).await {
                Ok(stream) => {
                    let mut connection = Box::new(Connection { stream, exchange: Exchange::default() });
                    let result = connection.request(&self.0.endpoint, id).await;
                    self.finish(connection, result)
                }
                Err(kind) => kind.into(),
            }
        })
    }

    fn finish(&self, connection: Box<Connection<R::Stream>>, result: Result<Response, ErrorKind>) -> Fetched {
        if result.is_ok_and(|response| response.reusable) {
            self.0.idle.lock().expect(UNPOISONED).push(connection);
        }
        result.into()
    }
}

struct Connection<S> {
    stream: S,
    exchange: Exchange,
}

thread_local! {
    /// The read buffer. No task waits while it uses it, so one for each thread is enough, and a request in flight
    /// needs none.
    static INPUT: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

impl<S: Read + Write + Unpin> Connection<S> {
    /// As [`is_reusable`](super::is_reusable), without a system call where the runtime has had no event.
    async fn is_reusable(&mut self) -> bool {
        let mut byte = [0];
        let mut input = ReadBuf::new(&mut byte);
        let mut read =
            |context: &mut Context<'_>| Pin::new(&mut self.stream).poll_read(context, input.unfilled());
        poll_fn(|context| Poll::Ready(read(context).is_pending())).await
    }

    async fn request(&mut self, endpoint: &Endpoint, id: u64) -> Result<Response, ErrorKind> {
        self.exchange.begin(Method::Get, endpoint, id);
        poll_fn(|context| self.advance(context)).await
    }

    fn advance(&mut self, context: &mut Context<'_>) -> Poll<Result<Response, ErrorKind>> {
        let mut stream = Pin::new(&mut self.stream);
        while !self.exchange.to_send().is_empty() {
            let sent = ready!(stream.as_mut().poll_write(context, self.exchange.to_send()))?;
            self.exchange.sent(sent);
        }
        INPUT.with_borrow_mut(|input| {
            for _ in 0..MAX_READS_IN_A_ROW {
                let mut input = ReadBuf::new(input);
                ready!(stream.as_mut().poll_read(context, input.unfilled()))?;
                if input.filled().is_empty() {
                    return Poll::Ready(self.exchange.close());
                }
                if let Progress::Done(response) = self.exchange.receive(input.filled())? {
                    return Poll::Ready(Ok(response));
                }
            }
            // A server that sends endlessly must not starve timers and other tasks.
            context.waker().wake_by_ref();
            Poll::Pending
        })
    }
}
