//! The common client for models whose tasks give their thread back while they wait.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use anyhow::Result;
use hyper::rt::{Read, ReadBuf, Write};

use super::exchange::{Exchange, Method, Progress, Reply};
use super::site::Site;
use super::{READ_BYTES, READS_IN_A_ROW, VERSION, details, was_closed_while_idle};
use crate::clients::net::{self, Net};
use crate::clients::{AsyncFetch, Client};
use crate::protocol::{ErrorKind, Fetched, Plan};

/// One client, shared by all tasks. A clone is a new handle.
pub struct Futures<N: Net>(Arc<Shared<N::Stream>>);

struct Shared<S> {
    site: Site,
    idle: Mutex<Vec<Box<Connection<S>>>>,
}

impl<N: Net> Clone for Futures<N> {
    fn clone(&self) -> Self {
        Futures(self.0.clone())
    }
}

impl<N: Net> Client for Futures<N> {
    const VERSION: &str = VERSION;
    const DETAILS: &str = details!(
        "A buffer of 16 KiB a thread: no task waits while it holds it, so a request in flight has none."
    );

    fn new(plan: &Plan) -> Result<Self> {
        Ok(Futures(Arc::new(Shared { site: Site::of(plan)?, idle: Mutex::default() })))
    }
}

impl<N: Net> AsyncFetch for Futures<N> {
    async fn fetch(&self, id: u64) -> Fetched {
        let fetched = N::within(self.0.site.request_timeout, self.get(id)).await;
        fetched.unwrap_or_else(|| ErrorKind::Timeout.into())
    }
}

impl<N: Net> Futures<N> {
    async fn get(&self, id: u64) -> Fetched {
        let idle = self.0.idle.lock().expect(UNPOISONED).pop();
        let Some(mut connection) = idle else { return self.get_fresh(id).await };
        if !connection.is_quiet().await {
            return Fetched { resent: true, ..self.get_fresh(id).await };
        }
        match connection.request(&self.0.site, id).await {
            Err(kind) if was_closed_while_idle(&connection.exchange, kind) => {
                Fetched { resent: true, ..self.get_fresh(id).await }
            }
            result => self.finish(connection, result),
        }
    }

    /// Fetches over a new connection. It has a box of its own, as connections have, so that the task
    /// of every request is not as large as what only the first of them need.
    fn get_fresh(&self, id: u64) -> Pin<Box<dyn Future<Output = Fetched> + Send + '_>> {
        Box::pin(async move {
            match net::connect::<N>(self.0.site.address, self.0.site.connect_timeout).await {
                Ok(stream) => {
                    let mut connection = Box::new(Connection { stream, exchange: Exchange::default() });
                    let result = connection.request(&self.0.site, id).await;
                    self.finish(connection, result)
                }
                Err(kind) => kind.into(),
            }
        })
    }

    fn finish(&self, connection: Box<Connection<N::Stream>>, result: Result<Reply, ErrorKind>) -> Fetched {
        if result.is_ok_and(|reply| reply.reusable) {
            self.0.idle.lock().expect(UNPOISONED).push(connection);
        }
        result.into()
    }
}

const UNPOISONED: &str = "nothing panics while it holds the lock";

struct Connection<S> {
    stream: S,
    exchange: Exchange,
}

thread_local! {
    /// Where input lands before it is digested. No task waits while it holds it, so one for each
    /// thread is enough, and a request in flight costs no buffer.
    static INPUT: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

impl<S: Read + Write + Unpin> Connection<S> {
    /// As [`is_quiet`](super::is_quiet) has it; a runtime that has had no event asks no one.
    async fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        let mut input = ReadBuf::new(&mut byte);
        let mut read =
            |context: &mut Context<'_>| Pin::new(&mut self.stream).poll_read(context, input.unfilled());
        poll_fn(|context| Poll::Ready(read(context).is_pending())).await
    }

    async fn request(&mut self, site: &Site, id: u64) -> Result<Reply, ErrorKind> {
        self.exchange.begin(Method::Get, site, id);
        poll_fn(|context| self.advance(context)).await
    }

    fn advance(&mut self, context: &mut Context<'_>) -> Poll<Result<Reply, ErrorKind>> {
        let mut stream = Pin::new(&mut self.stream);
        while !self.exchange.to_send().is_empty() {
            let sent = ready!(stream.as_mut().poll_write(context, self.exchange.to_send()))?;
            self.exchange.sent(sent);
        }
        INPUT.with_borrow_mut(|input| {
            for _ in 0..READS_IN_A_ROW {
                let mut input = ReadBuf::new(input);
                ready!(stream.as_mut().poll_read(context, input.unfilled()))?;
                if input.filled().is_empty() {
                    return Poll::Ready(self.exchange.close());
                }
                if let Progress::Done(reply) = self.exchange.receive(input.filled())? {
                    return Poll::Ready(Ok(reply));
                }
            }
            // A server that sends without an end must not keep timers and other tasks from their turn.
            context.waker().wake_by_ref();
            Poll::Pending
        })
    }
}
