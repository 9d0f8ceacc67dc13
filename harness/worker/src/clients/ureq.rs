//! ureq: the blocking client that Rust programs with threads use.

use std::net::SocketAddr;
use std::time::Duration;

use ::ureq::config::Config;
use ::ureq::http::Uri;
use ::ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ::ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ::ureq::{Agent, Error};

use super::common::endpoint::Endpoint;
use super::{BlockingFetch, Client, kind_of_io};
use crate::protocol::{ErrorKind, Fetched, Outcome, Plan};

/// An agent, which threads can share.
pub(crate) struct Ureq {
    agent: Agent,
    url_prefix: String,
}

impl Client for Ureq {
    const VERSION: &str = concat!("ureq ", env!("VERSION_ureq"));
    const DETAILS: &str = "An agent has a pool of its own; the model says which threads share an agent. Idle \
        connections kept: as many as may be in flight (the default of 3 a host would reconnect the rest). Buffers for \
        each connection, 128 KiB each way, of which only touched pages take memory. TCP_NODELAY; no proxy from the \
        environment, no redirects, no status is an error; decompression is not compiled in, and it does not retry. The \
        address is resolved once: with a timeout ureq would start a resolver thread for every request, even for a \
        numeric address. It reads heads of up to 64 KiB: a higher limit would take larger buffers for every \
        connection. It treats a connection reset within a body as the end of the body.";

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
        let resolver = FixedResolver(Endpoint::of(plan)?.address);
        let agent = Agent::with_parts(config, DefaultConnector::default(), resolver);
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

/// Resolves every name to one address.
#[derive(Debug)]
struct FixedResolver(SocketAddr);

impl Resolver for FixedResolver {
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
        // The received part cannot be decoded, and nothing more arrives.
        Error::BodyStalled => ErrorKind::Truncated,
        Error::Protocol(_) | Error::Http(_) | Error::LargeResponseHeader(..) => ErrorKind::Malformed,
        Error::Io(error) => kind_of_io(error).unwrap_or(ErrorKind::Other),
        _ => ErrorKind::Other,
    }
}
