//! `inflight serve`: the target alone.

use std::io::{self, BufRead};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use mock_target::{Handle, Scenario, Server, ServerOptions, TlsOptions};

use super::scenario_args::ScenarioArgs;
use crate::runner::target;

/// Serve a scenario until interrupted; the first line prints the addresses
#[derive(clap::Args)]
pub(super) struct Args {
    /// Address to listen on; port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Address of the admin port: GET /ledger, /stats, /loops, /plan, POST /reset
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    admin: SocketAddr,
    /// Ask for real-time priority: more punctual where clients compete for the same cores
    #[arg(long)]
    realtime: bool,
    /// With --realtime, stay awake while a response is nearly due: more punctual, at the cost of a core
    #[arg(long, requires = "realtime")]
    spin: bool,
    /// Event loops, each a thread
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    shards: u16,
    /// CPU to burn on every response, in nanoseconds
    #[arg(long, hide = true, value_name = "N", default_value_t = 0)]
    burn_ns: u64,
    /// Leave out the server-timing field
    #[arg(long)]
    plain: bool,
    /// Serve TLS, with a self-signed certificate generated at start-up
    #[arg(long)]
    tls: bool,
    /// Where to write the certificate for clients to trust
    #[arg(long, value_name = "FILE", default_value = "inflight-certificate.pem", requires = "tls")]
    certificate: PathBuf,
    /// Disable TLS session resumption
    #[arg(long, requires = "tls")]
    no_resumption: bool,
    #[command(flatten)]
    scenario: ScenarioArgs,
    /// Read the scenario from stdin as a line of JSON, and end when stdin closes
    #[arg(long, hide = true)]
    scenario_on_stdin: bool,
}

pub(super) fn serve(args: &Args) -> Result<ExitCode> {
    if args.scenario_on_stdin {
        leave_session();
        let mut line = String::new();
        io::stdin().read_line(&mut line)?;
        let scenario = serde_json::from_str(&line).context("cannot understand the scenario on stdin")?;
        let _server = start(args, scenario)?;
        wait_for_end_of(io::stdin().lock());
    } else {
        let server = start(args, args.scenario.scenario(0)?)?;
        server.join()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn start(args: &Args, scenario: Scenario) -> Result<Handle> {
    let options = ServerOptions {
        listen: args.listen,
        admin: args.admin,
        shards: usize::from(args.shards),
        realtime: args.realtime,
        spin: args.spin,
        burn_ns: args.burn_ns,
        plain: args.plain,
        tls: args.tls.then(|| TlsOptions {
            certificate_file: Some(args.certificate.clone()),
            resumption: !args.no_resumption,
        }),
        ..ServerOptions::default()
    };
    let server = Server::start_with(scenario, options)?;
    let scheme = if args.tls { "https" } else { "http" };
    super::print(&(target::addresses_line(scheme, server.address(), server.admin_address()) + "\n"))?;
    Ok(server)
}

/// The parent process holds the other end: it has ended when stdin closes.
fn wait_for_end_of(mut stdin: impl BufRead) {
    while stdin.read_line(&mut String::new()).is_ok_and(|read| read > 0) {}
}

/// Leaves the session of the terminal. Ctrl-C is for the harness, which then ends its target; and where the
/// kernel shares the CPU out by session (sched(7), autogroup) the target competes with all its clients
/// as one with one, not as one with many.
fn leave_session() {
    // Refused only to the leader of a process group, which this process is not.
    let _ = rustix::process::setsid();
}
