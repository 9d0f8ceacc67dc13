//! The target process, and its admin port.

use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use mock_target::Scenario;
use mock_target::ledger::{Ledger, LoopStats, Stats};
use serde::de::DeserializeOwned;

use crate::process::{Cpus, confined};

/// What the target may use of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetOptions {
    /// Whether it asks for real-time priority. It does without where the system refuses.
    pub realtime: bool,
    /// Its event loops, each a thread.
    pub shards: u32,
    /// CPU that it burns on every response, in nanoseconds: 0 except in experiments.
    pub burn_ns: u64,
}

/// A target process. It ends when this value is dropped, and when the harness ends in any way,
/// because its stdin then closes.
pub(crate) struct Target {
    child: Child,
    _stdin: ChildStdin,
    address: SocketAddr,
    admin: SocketAddr,
    agent: ureq::Agent,
}

impl Target {
    /// Starts `program serve` to play `scenario` on loopback ports of the system's choosing, confined to
    /// `cpus` if there are any.
    pub(crate) fn start(
        program: &Path,
        scenario: &Scenario,
        options: TargetOptions,
        cpus: Option<&Cpus>,
    ) -> Result<Target> {
        let mut command = Command::new(program);
        command
            .args(["serve", "--scenario-on-stdin"])
            .args(options.realtime.then_some("--realtime"))
            .args(["--shards", &options.shards.to_string()])
            .args(["--burn-ns", &options.burn_ns.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = confined(cpus, || command.spawn()).context("cannot start the target")?;
        let mut stdin = child.stdin.take().expect("stdin is piped");
        writeln!(stdin, "{}", serde_json::to_string(scenario)?)?;

        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout is piped")).read_line(&mut line)?;
        let Some((address, admin)) = parse_addresses(&line) else {
            let _ = child.kill();
            child.wait()?;
            bail!("the target did not print its addresses, but {line:?}");
        };
        let agent = ureq::Agent::config_builder()
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(10)))
            .build()
            .new_agent();
        Ok(Target { child, _stdin: stdin, address, admin, agent })
    }

    pub(crate) fn url_prefix(&self) -> String {
        url_prefix(&self.address.to_string())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Resets its ledger. Fails, as all questions below do, when the target does not answer.
    pub(crate) fn reset(&self) -> Result<()> {
        self.agent.post(self.admin_url("reset")).send_empty().context("the target does not answer")?;
        Ok(())
    }

    /// Its ledger since the last reset.
    pub(crate) fn ledger(&self) -> Result<Ledger> {
        self.get("ledger")
    }

    /// The sums of the ledger.
    pub(crate) fn stats(&self) -> Result<Stats> {
        self.get("stats")
    }

    /// What each of its event loops used.
    pub(crate) fn loops(&self) -> Result<Vec<LoopStats>> {
        self.get("loops")
    }

    fn get<T: DeserializeOwned>(&self, what: &str) -> Result<T> {
        let mut response =
            self.agent.get(self.admin_url(what)).call().context("the target does not answer")?;
        let reader = response.body_mut().with_config().limit(u64::MAX).reader();
        serde_json::from_reader(io::BufReader::new(reader)).context("cannot understand the target's ledger")
    }

    fn admin_url(&self, what: &str) -> String {
        format!("http://{}/{what}", self.admin)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What precedes an id in a URL of the target at `authority`.
pub(crate) fn url_prefix(authority: &str) -> String {
    format!("http://{authority}/u/")
}

/// The first line that a target prints.
pub(crate) fn addresses_line(scheme: &str, address: SocketAddr, admin: SocketAddr) -> String {
    format!("target={scheme}://{address} admin=http://{admin}")
}

fn parse_addresses(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let (target, admin) = line.trim_end().strip_prefix("target=http://")?.split_once(" admin=http://")?;
    Some((target.parse().ok()?, admin.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_line_parses_as_it_is_printed() {
        let (address, admin) = ("127.0.0.1:80".parse().unwrap(), "[::1]:81".parse().unwrap());
        let line = addresses_line("http", address, admin);
        assert_eq!(line, "target=http://127.0.0.1:80 admin=http://[::1]:81");
        assert_eq!(parse_addresses(&line), Some((address, admin)));
        assert_eq!(parse_addresses("hello\n"), None);
    }
}
