//! hyper as in its documentation: a task per connection, with a list of idle connections.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HOST;
use hyper::rt::{Read, Write};

use super::Work;
use super::clients::GetAsync;

/// The operations of a runtime that hyper needs.
pub(super) trait Runtime: Clone + Send + Sync + 'static {
    type Stream: Read + Write + Unpin + Send + 'static;
    fn connect(address: SocketAddr) -> impl Future<Output = Self::Stream> + Send;
    fn spawn(task: impl Future<Output = ()> + Send + 'static);
    fn within(limit: Duration, future: impl Future<Output = ()> + Send) -> impl Future<Output = ()> + Send;
}

#[derive(Clone)]
pub(super) struct Hyper<R> {
    work: Arc<Work>,
    idle: Arc<Mutex<Vec<SendRequest<Empty<Bytes>>>>>,
    _runtime: std::marker::PhantomData<R>,
}

impl<R: Runtime> GetAsync for Hyper<R> {
    fn new(work: &Work) -> Result<Self> {
        Ok(Hyper { work: Arc::new(work.clone()), idle: Arc::default(), _runtime: std::marker::PhantomData })
    }

    async fn get(&self, id: u64) {
        R::within(self.work.timeout, async {
            let idle = self.idle.lock().unwrap().pop();
            let mut requests = match idle {
                Some(idle) => idle,
                None => {
                    let stream = R::connect(self.work.address().unwrap()).await;
                    let (requests, connection) = http1::handshake(stream).await.expect("a connection");
                    R::spawn(async { connection.await.expect("an orderly end") });
                    requests
                }
            };
            let request = Request::get(self.path(id)).header(HOST, self.work.authority().unwrap());
            let request = request.body(Empty::new()).unwrap();
            requests.ready().await.expect("an open connection");
            let response = requests.send_request(request).await.expect("a response");
            assert_eq!(response.status(), 200);
            let mut body = response.into_body();
            while let Some(frame) = body.frame().await {
                frame.expect("a body");
            }
            self.idle.lock().unwrap().push(requests);
        })
        .await;
    }
}

impl<R> Hyper<R> {
    fn path(&self, id: u64) -> String {
        let before = self.work.url_prefix.splitn(4, '/').nth(3).unwrap_or_default();
        format!("/{before}{id}")
    }
}
