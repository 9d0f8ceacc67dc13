//! The clients of the plain programs. A response that is incomplete, or not 200, ends the program.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use inflight::worker::protocol::{Fetched, Outcome, PROTOCOL, Plan};
use inflight_worker::clients::{AsyncFetch, BlockingFetch};
use reqwest::{redirect, retry};
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use super::Work;

/// A blocking client.
pub(super) trait Get: Send + Sync + Sized {
    fn new(work: &Work) -> Result<Self>;
    fn get(&self, id: u64);
}

/// An async client. A clone is a new handle.
pub(super) trait GetAsync: Clone + Send + Sync + Sized + 'static {
    fn new(work: &Work) -> Result<Self>;
    fn get(&self, id: u64) -> impl Future<Output = ()> + Send;
}

pub(super) struct Ureq(Agent, String);

impl Get for Ureq {
    fn new(work: &Work) -> Result<Ureq> {
        let config = Agent::config_builder()
            .max_idle_connections(work.in_flight)
            .max_idle_connections_per_host(work.in_flight)
            .no_delay(true)
            .proxy(None)
            .max_redirects(0)
            .timeout_connect(Some(work.timeout))
            .timeout_global(Some(work.timeout))
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), FixedResolver(work.address()?));
        Ok(Ureq(agent, work.url_prefix.clone()))
    }

    fn get(&self, id: u64) {
        let mut response = self.0.get(format!("{}{id}", self.1)).call().expect("a response");
        response.body_mut().with_config().limit(u64::MAX).read_to_vec().expect("a body");
    }
}

/// Resolves to a known address. With timeouts, ureq starts a thread for each name lookup.
#[derive(Debug)]
struct FixedResolver(SocketAddr);

impl Resolver for FixedResolver {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        addresses.push(self.0);
        Ok(addresses)
    }
}

#[derive(Clone)]
pub(super) struct Reqwest(reqwest::Client, String);

impl GetAsync for Reqwest {
    fn new(work: &Work) -> Result<Reqwest> {
        let client = reqwest::Client::builder()
            .pool_max_idle_per_host(work.in_flight)
            .tcp_nodelay(true)
            .tcp_keepalive(None)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .connect_timeout(work.timeout)
            .timeout(work.timeout)
            .build()?;
        Ok(Reqwest(client, work.url_prefix.clone()))
    }

    async fn get(&self, id: u64) {
        let response = self.0.get(format!("{}{id}", self.1)).send().await.expect("a response");
        assert_eq!(response.status(), 200);
        response.bytes().await.expect("a body");
    }
}

/// The common client of this project.
pub(super) struct Common<C>(Arc<C>);

impl<C> Clone for Common<C> {
    fn clone(&self) -> Self {
        Common(self.0.clone())
    }
}

impl<C: BlockingFetch> Get for Common<C> {
    fn new(work: &Work) -> Result<Self> {
        Ok(Common(Arc::new(C::new(&work.plan())?)))
    }

    fn get(&self, id: u64) {
        expect_200(self.0.fetch(id));
    }
}

impl<C: AsyncFetch> GetAsync for Common<C> {
    fn new(work: &Work) -> Result<Self> {
        Ok(Common(Arc::new(C::new(&work.plan())?)))
    }

    async fn get(&self, id: u64) {
        expect_200(self.0.fetch(id).await);
    }
}

pub(super) fn expect_200(fetched: Fetched) {
    assert!(matches!(fetched.outcome, Outcome::Response { status: 200, .. }), "{fetched:?}");
}

impl Work {
    /// Host and port.
    pub(super) fn authority(&self) -> Result<&str> {
        self.url_prefix.split('/').nth(2).context("a URL has an authority")
    }

    /// The server.
    pub(super) fn address(&self) -> Result<SocketAddr> {
        Ok(self.authority()?.parse()?)
    }

    /// The settings of the common client.
    pub(super) fn plan(&self) -> Plan {
        let timeout_ms = self.timeout.as_millis() as u64;
        Plan {
            protocol: PROTOCOL,
            contender: String::new(),
            model: String::new(),
            client: String::new(),
            url_prefix: self.url_prefix.clone(),
            ids: Vec::new(),
            due_ns: None,
            in_flight: self.in_flight,
            processes: None,
            cores: self.cores,
            connect_timeout_ms: timeout_ms,
            request_timeout_ms: timeout_ms,
        }
    }
}
