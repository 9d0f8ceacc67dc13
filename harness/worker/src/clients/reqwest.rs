//! reqwest: the async client that Rust programs on tokio use.

use std::time::Duration;

use ::reqwest::{Client, Error, redirect, retry};

use super::{AsyncFetch, kind_of_cause};
use crate::protocol::{ErrorKind, Fetched, Outcome, Plan};

/// One client, shared by all tasks, as its documentation recommends. A clone is a new handle.
#[derive(Clone)]
pub(crate) struct Reqwest {
    client: Client,
    url_prefix: String,
}

impl super::Client for Reqwest {
    const VERSION: &str = concat!("reqwest ", env!("VERSION_reqwest"));
    const DETAILS: &str = "One client, shared by all tasks, as its documentation recommends. Idle \
        connections kept: as many as may be in flight. TCP_NODELAY; no TCP keep-alive probes, since no other \
        client sends them; no proxy from the environment, no redirects, no retry policy; decompression and \
        HTTP/2 are not compiled in. What cannot be disabled: the underlying pool sends a request again when its \
        idle connection turned out to be closed before the request was written, and opens a connection while it \
        waits for one to become idle. Its limit on a head, 408 KiB and 100 fields, is hyper's default.";

    fn new(plan: &Plan) -> anyhow::Result<Reqwest> {
        let client = Client::builder()
            .pool_max_idle_per_host(plan.in_flight)
            .tcp_nodelay(true)
            .tcp_keepalive(None)
            .tcp_keepalive_interval(None)
            .tcp_keepalive_retries(None)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .connect_timeout(Duration::from_millis(plan.connect_timeout_ms))
            .timeout(Duration::from_millis(plan.request_timeout_ms))
            .build()?;
        Ok(Reqwest { client, url_prefix: plan.url_prefix.clone() })
    }
}

impl Reqwest {
    async fn get(&self, id: u64) -> Result<Outcome, Error> {
        let response = self.client.get(format!("{}{id}", self.url_prefix)).send().await?;
        let status = response.status().as_u16();
        Ok(Outcome::response(status, &response.bytes().await?))
    }
}

impl AsyncFetch for Reqwest {
    async fn fetch(&self, id: u64) -> Fetched {
        self.get(id).await.map_err(|error| kind(&error)).into()
    }
}

fn kind(error: &Error) -> ErrorKind {
    match error {
        error if error.is_timeout() => ErrorKind::Timeout,
        error if error.is_connect() => ErrorKind::Connect,
        error => kind_of_cause(error).unwrap_or(ErrorKind::Other),
    }
}
