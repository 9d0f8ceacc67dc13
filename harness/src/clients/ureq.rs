//! ureq: the blocking client that Rust programs with threads use.

use std::time::Duration;

use ::ureq::{Agent, Error};

use super::{BlockingFetch, kind_of_cause};
use crate::protocol::{ErrorKind, Outcome, Plan};

/// One agent, shared by all threads, as its documentation recommends.
pub(crate) struct Ureq {
    agent: Agent,
    url_prefix: String,
}

impl Ureq {
    pub(crate) const VERSION: &str = concat!("ureq ", env!("VERSION_ureq"));

    pub(crate) fn new(plan: &Plan) -> Ureq {
        let agent = Agent::config_builder()
            .max_idle_connections(plan.in_flight)
            .max_idle_connections_per_host(plan.in_flight) // 3 by default: the rest would reconnect
            .no_delay(true)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_millis(plan.connect_timeout_ms)))
            .timeout_global(Some(Duration::from_millis(plan.request_timeout_ms)))
            .build()
            .new_agent();
        Ureq { agent, url_prefix: plan.url_prefix.clone() }
    }

    fn get(&self, id: u64) -> Result<Outcome, Error> {
        let mut response = self.agent.get(format!("{}{id}", self.url_prefix)).call()?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(u64::MAX).read_to_vec()?;
        Ok(Outcome::response(status, &body))
    }
}

impl BlockingFetch for Ureq {
    fn fetch(&self, id: u64) -> Outcome {
        self.get(id).unwrap_or_else(|error| Outcome::Failure { error: kind(&error) })
    }
}

fn kind(error: &Error) -> ErrorKind {
    match error {
        Error::Timeout(_) => ErrorKind::Timeout,
        Error::ConnectionFailed | Error::HostNotFound => ErrorKind::Connect,
        Error::Protocol(_) | Error::Http(_) => ErrorKind::Malformed,
        other => kind_of_cause(other).unwrap_or(ErrorKind::Other),
    }
}
