//! ureq: the blocking client that Rust programs with threads use.

use std::net::SocketAddr;
use std::time::Duration;

use ::ureq::config::Config;
use ::ureq::http::Uri;
use ::ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ::ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ::ureq::{Agent, Error};

use super::common::site::Site;
use super::{BlockingFetch, Client, kind_of_io};
use crate::protocol::{ErrorKind, Fetched, Outcome, Plan};

/// An agent, which threads may share.
pub(crate) struct Ureq {
    agent: Agent,
    url_prefix: String,
}

impl Client for Ureq {
    const VERSION: &str = concat!("ureq ", env!("VERSION_ureq"));
    const DETAILS: &str = "An agent has a pool of its own; which threads share one is said of the model. Idle \
        connections kept: as many as may be in flight (3 a host unless told otherwise: the rest would \
        reconnect). Buffers for each connection, 128 KiB each way, of which only what is touched takes memory. TCP_NODELAY; no proxy from the environment, no redirects, a status is no error; \
        decompression is not compiled in, and it does not retry. The address is looked up once: with a \
        timeout ureq would start a thread to look it up for every request, although it is a number. It reads heads of up to 64 KiB: more would \
        take larger buffers for every connection. It takes a connection reset within a body for an \
        orderly end.";

    fn new(plan: &Plan) -> anyhow::Result<Ureq> {
        let config = Agent::config_builder()
            .max_idle_connections(plan.in_flight)
            .max_idle_connections_per_host(plan.in_flight)
            .no_delay(true)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_millis(plan.connect_timeout_ms)))
            .timeout_global(Some(Duration::from_millis(plan.request_timeout_ms)))
            .build();
        let known = Known(Site::of(plan)?.address);
        let agent = Agent::with_parts(config, DefaultConnector::default(), known);
        Ok(Ureq { agent, url_prefix: plan.url_prefix.clone() })
    }
}

impl Ureq {
    fn get(&self, id: u64) -> Result<Outcome, Error> {
        let mut response = self.agent.get(format!("{}{id}", self.url_prefix)).call()?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(u64::MAX).read_to_vec()?;
        Ok(Outcome::response(status, &body))
    }
}

/// The address that every name stands for.
#[derive(Debug)]
struct Known(SocketAddr);

impl Resolver for Known {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut addresses = self.empty();
        addresses.push(self.0);
        Ok(addresses)
    }
}

impl BlockingFetch for Ureq {
    fn fetch(&self, id: u64) -> Fetched {
        self.get(id).map_err(|error| kind(&error)).into()
    }
}

fn kind(error: &Error) -> ErrorKind {
    match error {
        Error::Timeout(_) => ErrorKind::Timeout,
        Error::ConnectionFailed | Error::HostNotFound => ErrorKind::Connect,
        // What has come cannot be decoded, and nothing more comes.
        Error::BodyStalled => ErrorKind::Truncated,
        Error::Protocol(_) | Error::Http(_) | Error::LargeResponseHeader(..) => ErrorKind::Malformed,
        Error::Io(error) => kind_of_io(error).unwrap_or(ErrorKind::Other),
        _ => ErrorKind::Other,
    }
}
