//! `inflight report`: tell saved records again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use inflight_report::comparison::Comparison;
use inflight_report::exports::github_benchmark::Direction;
use inflight_report::exports::{self, Named};
use inflight_report::record::{FILE_NAME, Record};
use inflight_report::tables::markdown::{self, Excerpt};
use inflight_report::{splice, tables};

use super::output::write_whole;

/// Show saved records in one of many formats, or put their tables into a document
///
/// Several records are shown one after another, and in one file each beside the others under its name: never
/// as if they had been run together.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Records, or the folders they are in [default: the newest in results/]
    #[arg(value_name = "RECORD")]
    records: Vec<PathBuf>,
    /// How to show them
    #[arg(long, value_enum, default_value = "terminal", conflicts_with = "splice")]
    format: Format,
    /// Which figures: github-benchmark takes a file a direction
    #[arg(long, value_enum, default_value = "smaller")]
    direction: Better,
    /// Write to FILE, whole or not at all, in place of stdout
    #[arg(short, long, value_name = "FILE", conflicts_with = "splice")]
    output: Option<PathBuf>,
    /// Put the tables between `<!-- inflight:begin NAME -->` and `<!-- inflight:end NAME -->` in FILE
    #[arg(long, value_name = "FILE")]
    splice: Option<PathBuf>,
    /// Which NAME in the file
    #[arg(long, value_name = "NAME", default_value = "table", requires = "splice")]
    name: String,
    /// Which tables, in Markdown
    #[arg(long, value_enum, default_value = "all")]
    table: Tables,
    /// The few figures that most readers ask for, with one line about them, in Markdown
    #[arg(long)]
    brief: bool,
    /// Behind a line to click on, in Markdown
    #[arg(long)]
    folded: bool,
    /// Change nothing: fail when what stands in FILE is not what the records say
    #[arg(long)]
    check: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    /// A table that fits its width
    Terminal,
    /// For a document
    Markdown,
    /// A line a contender
    Csv,
    /// Every figure of every run
    Json,
    /// Bencher Metric Format
    Bmf,
    /// Custom JSON of github-action-benchmark
    GithubBenchmark,
    /// JUnit XML: a test case a run
    Junit,
    /// As `hyperfine --export-json`
    Hyperfine,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Better {
    /// Wall, CPU and memory, for customSmallerIsBetter
    Smaller,
    /// Throughput and efficiency, for customBiggerIsBetter
    Bigger,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Tables {
    /// All of them
    All,
    /// Models with the client that people use with them
    Native,
    /// Models with the client that they share
    Common,
    /// What others published
    Published,
}

pub(super) fn report(args: &Args) -> Result<ExitCode> {
    args.refuse_contradictions()?;
    let paths = match args.records.as_slice() {
        [] => vec![newest_record(Path::new("results"))?],
        given => given.to_vec(),
    };
    let records = paths.iter().map(|path| read(path)).collect::<Result<Vec<Named>>>()?;
    let command = args.command(&paths);
    match (&args.splice, &args.output) {
        (Some(document), _) => put_into(document, args, &records, &command),
        (None, Some(file)) if args.check => {
            let current = fs::read(file).is_ok_and(|text| text == args.render(&records).as_bytes());
            Ok(if current { ExitCode::SUCCESS } else { stale(&file.display().to_string(), &command) })
        }
        (None, Some(file)) => write_whole(file, &args.render(&records)).map(|()| ExitCode::SUCCESS),
        (None, None) => super::print(&args.render(&records)).map(|()| ExitCode::SUCCESS),
    }
}

fn read(path: &Path) -> Result<Named> {
    let comparison = Comparison::of(&Record::read(path)?);
    Ok(Named { record: path.display().to_string(), comparison })
}

impl Args {
    fn render(&self, records: &[Named]) -> String {
        match self.format {
            Format::Terminal => {
                let width = super::table_width();
                in_turn(records, "record  ", |comparison| tables::terminal::render(comparison, width))
            }
            Format::Markdown => self.markdown(records),
            Format::Csv => exports::csv::render(records),
            Format::Json => exports::json::render(records),
            Format::Bmf => exports::bmf::render(records),
            Format::GithubBenchmark => exports::github_benchmark::render(records, self.direction.into()),
            Format::Junit => exports::junit::render(records),
            Format::Hyperfine => exports::hyperfine::render(records),
        }
    }
}
