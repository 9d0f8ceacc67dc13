//! The endpoint of a plan, parsed once: the address, the timeouts, and the bytes around an id in a request.

use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result};

use super::exchange::Method;
use crate::protocol::Plan;

/// The server that a plan's requests go to, and their timeouts.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The address of the server.
    pub address: SocketAddr,
    /// Connecting times out after this long.
    pub connect_timeout: Duration,
    /// A request times out after this long, connecting included.
    pub request_timeout: Duration,
    authority: String,
    path_prefix: String,
    after_id: String,
}

impl Endpoint {
    /// Parses the endpoint of `plan`.
    ///
    /// # Errors
    /// When the plan's URLs are not `http://HOST:PORT/…`, or the host has no address.
    pub fn of(plan: &Plan) -> Result<Endpoint> {
        let rest = plan.url_prefix.strip_prefix("http://");
        let (authority, path) = rest
            .and_then(|rest| rest.split_once('/'))
            .with_context(|| format!("`{}` does not begin with http://HOST:PORT/", plan.url_prefix))?;
        let host = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
        let addresses = host.to_socket_addrs().with_context(|| format!("cannot resolve `{authority}`"))?;
        Ok(Endpoint {
            address: addresses.into_iter().next().with_context(|| format!("`{authority}` has no address"))?,
            connect_timeout: Duration::from_millis(plan.connect_timeout_ms),
            request_timeout: Duration::from_millis(plan.request_timeout_ms),
            authority: authority.to_owned(),
            path_prefix: format!("/{path}"),
            after_id: format!(" HTTP/1.1\r\nhost: {authority}\r\n\r\n"),
        })
    }

    /// Host and port, as in the `host` field.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The path of the URL of `id`.
    pub fn path(&self, id: u64) -> String {
        format!("{}{id}", self.path_prefix)
    }

    /// Overwrites `out` with a request for the URL of `id`.
    pub(super) fn write_request(&self, method: Method, id: u64, out: &mut Vec<u8>) {
        let method = match method {
            Method::Get => "GET",
            Method::Head => "HEAD",
        };
        out.clear();
        write!(out, "{method} {}{id}{}", self.path_prefix, self.after_id).expect("writes to a Vec succeed");
    }
}
