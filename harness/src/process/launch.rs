//! What is needed to start a worker process.

use std::process::Command;

/// How a worker is started: this program itself, or one that speaks the same protocol.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program.
    pub program: std::path::PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
}

/// Variables that make HTTP clients use a proxy, in lower case. Clients read them in either case.
const PROXY_VARIABLES: [&str; 4] = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"];

pub(crate) fn remove_proxies(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| PROXY_VARIABLES.contains(&name.to_ascii_lowercase().as_str())) {
            command.env_remove(name);
        }
    }
}
