//! `inflight report`: tell a saved record again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use inflight_report::comparison::Comparison;
use inflight_report::record::{FILE_NAME, Record};
use inflight_report::{charts, page, splice, tables};

/// Show a saved record, or put its table into a document
#[derive(clap::Args)]
pub(super) struct Args {
    /// The record, or the folder it is in [default: the newest in results/]
    record: Option<PathBuf>,
    /// How to show it
    #[arg(long, value_enum, default_value = "terminal")]
    format: Format,
    /// Put the table between `<!-- inflight:begin NAME -->` and `<!-- inflight:end NAME -->` in FILE
    #[arg(long, value_name = "FILE")]
    splice: Option<PathBuf>,
    /// Which NAME in the file
    #[arg(long, value_name = "NAME", default_value = "table", requires = "splice")]
    name: String,
    /// Change nothing: fail when what stands in FILE is not what the record says
    #[arg(long, requires = "splice")]
    check: bool,
    /// Write the page and open it in the browser
    #[arg(long, conflicts_with = "splice")]
    open: bool,
    /// One chart alone, as SVG
    #[arg(long, value_name = "NAME", value_parser = charts::NAMES, conflicts_with_all = ["splice", "open"])]
    chart: Option<String>,
    /// Write to FILE in place of stdout
    #[arg(short, long, value_name = "FILE", requires = "chart")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Terminal,
    Markdown,
    /// The page: one file with charts and tables
    Html,
}

pub(super) fn report(args: &Args) -> Result<ExitCode> {
    let path = match &args.record {
        Some(path) => path.clone(),
        None => newest_record(Path::new("results"))?,
    };
    let record = Record::read(&path)?;
    let comparison = Comparison::of(&record);
    if args.open {
        super::page::open(&page::render(&record, &comparison), &path)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(name) = &args.chart {
        let svg = charts::svg(name, &record, &comparison)
            .with_context(|| format!("{} has nothing to draw in the chart {name}", path.display()))?;
        match &args.output {
            Some(file) => fs::write(file, svg).with_context(|| format!("cannot write {}", file.display()))?,
            None => super::print(&svg)?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    match &args.splice {
        Some(document) => put_into(document, &args.name, &comparison, args.check)?,
        None => super::print(&match args.format {
            Format::Terminal => tables::terminal::render(&comparison, super::table_width()),
            Format::Markdown => tables::markdown::render(&comparison),
            Format::Html => page::render(&record, &comparison),
        })?,
    }
    Ok(ExitCode::SUCCESS)
}

fn put_into(document: &Path, name: &str, comparison: &Comparison, check: bool) -> Result<()> {
    let shown = document.display();
    let text = fs::read_to_string(document).with_context(|| format!("cannot read {shown}"))?;
    let generated = tables::markdown::render(comparison);
    if !check {
        let spliced = splice::splice(&text, name, &generated).with_context(|| shown.to_string())?;
        return fs::write(document, spliced).with_context(|| format!("cannot write {shown}"));
    }
    if !splice::is_current(&text, name, &generated).with_context(|| shown.to_string())? {
        bail!("{shown}: `{name}` is not what the record says; put it right with --splice and no --check");
    }
    Ok(())
}

fn newest_record(results: &Path) -> Result<PathBuf> {
    fs::read_dir(results)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let folder = entry.ok()?.path();
            Some((fs::metadata(folder.join(FILE_NAME)).ok()?.modified().ok()?, folder))
        })
        .max()
        .map(|(_, folder)| folder)
        .with_context(|| {
            format!("no record in {}: make one with `inflight run`, or name one", results.display())
        })
}
