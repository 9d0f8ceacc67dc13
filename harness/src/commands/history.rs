//! `inflight history`: how the figures of the head developed from gate to gate.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::builder::NonEmptyStringValueParser;
use inflight_report::gate::{self, Gate};
use inflight_report::history::{History, table};
use inflight_report::numbers::count;
use inflight_report::{charts, page};

use super::output::write_whole;

/// Show how the figures developed over saved gates, for each class of machines
///
/// Gates are comparable where they were held against the same base on machines of the same class: CPU, cores,
/// virtualisation and kernel. In each class the base with the most gates is the reference.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The folder of gates, as `inflight gate --history DIR` fills it
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Another base as the reference, by its name or the beginning of its digest: classes without it are left out
    #[arg(long, value_name = "BASE", value_parser = NonEmptyStringValueParser::new())]
    reference: Option<String>,
    /// Draw it into FILE.svg or on a page, FILE.html, or write the table into FILE.md: whole or not at all
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What a file holds.
#[derive(Clone, Copy)]
enum Kind {
    Svg,
    Html,
    Markdown,
}

pub(super) fn history(args: &Args) -> Result<ExitCode> {
    let out = args.out.as_deref().map(|file| Ok::<_, anyhow::Error>((file, kind(file)?))).transpose()?;
    let gates = read(&args.folder)?;
    let histories = History::all(&gates, args.reference.as_deref())?;
    if let Some((file, kind)) = out {
        let text = match kind {
            Kind::Svg => charts::history::svg(&histories),
            Kind::Html => page::history::render(&histories),
            Kind::Markdown => table::markdown(&histories),
        };
        write_whole(file, &text)?;
    }
    super::print(&table::terminal(&histories, super::screen().width))?;
    Ok(ExitCode::SUCCESS)
}

/// What `file` is to hold, by its name: told before anything is read.
fn kind(file: &Path) -> Result<Kind> {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => Ok(Kind::Svg),
        Some("html") => Ok(Kind::Html),
        Some("md") => Ok(Kind::Markdown),
        _ => bail!("--out {}: a name that ends in .svg, .html or .md says what to write", file.display()),
    }
}

/// Every gate in `folder`, at least one. A file that is none is named on stderr and left out.
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
            bail!("{none}: {} files are none, the first: {first}", count(refused.len() as u64))
        }
        _ => {}
    }
    for error in refused {
        super::say_error(&format!("left out: {error}"));
    }
    Ok(gates)
}
