//! `inflight history`: the figures of the head from gate to gate.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::builder::NonEmptyStringValueParser;
use inflight_report::gate::{self, Gate};
use inflight_report::history::{History, chart, table};
use inflight_report::numbers::count;
use inflight_report::page;

use super::output::write_atomically;

/// Show how the figures developed over saved gates, for each class of machines
///
/// Gates are comparable where they have the same base and machines of the same class: CPU, cores,
/// virtualisation and kernel. In each class the base with the most gates is the reference.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The folder of gates, as `inflight gate --history DIR` fills it
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Another base as the reference, by its name or the beginning of its digest: classes without it are left out
    #[arg(long, value_name = "BASE", value_parser = NonEmptyStringValueParser::new())]
    reference: Option<String>,
    /// Write a chart to FILE.svg, a page to FILE.html, or the table to FILE.md, atomically
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn history(args: &Args) -> Result<ExitCode> {
    let render = args.out.as_deref().map(renderer).transpose()?;
    let gates = read(&args.folder)?;
    let histories = History::all(&gates, args.reference.as_deref())?;
    if let (Some(file), Some(render)) = (&args.out, render) {
        write_atomically(file, &render(&histories))?;
    }
    super::print(&table::terminal(&histories, super::screen().width))?;
    Ok(ExitCode::SUCCESS)
}

/// What renders `file`, by its name: checked before anything is read.
fn renderer(file: &Path) -> Result<fn(&[History]) -> String> {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => Ok(chart::svg),
        Some("html") => Ok(page::history::render),
        Some("md") => Ok(table::markdown),
        _ => bail!("--out {}: the name must end in .svg, .html or .md", file.display()),
    }
}

/// Every gate in `folder`, at least one. Other files are named on stderr and left out.
fn read(folder: &Path) -> Result<Vec<Gate>> {
    let (gates, refused) = match gate::read_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Default::default(),
        read => read.with_context(|| format!("cannot read {}", folder.display()))?,
    };
    let none = format!("no gates in {}", folder.display());
    match (&gates[..], &refused[..]) {
        ([], []) => bail!("{none}: `inflight gate --history {}` fills it", folder.display()),
        ([], [only]) => bail!("{none}: {only}"),
        ([], [first, ..]) => {
            bail!("{none}: {} files are no gates, the first: {first}", count(refused.len() as u64))
        }
        _ => {}
    }
    for error in refused {
        super::say_error(&format!("left out: {error}"));
    }
    Ok(gates)
}
