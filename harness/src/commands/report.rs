//! `inflight report`: renders saved records.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::LazyLock;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use clap::builder::PossibleValue;
use inflight_report::comparison::{Comparison, Named};
use inflight_report::exports::github_benchmark::Direction;
use inflight_report::exports::{EXPORTS, Export};
use inflight_report::record::{FILE_NAME, Record};
use inflight_report::tables::markdown::{self, Section};
use inflight_report::tables::terminal::{self, Screen};
use inflight_report::{charts, page, splice};

use super::output::write_atomically;

/// Show saved records in one of many formats, or put their tables into a document
///
/// Several records are shown one after another, and in one file each under its name: never
/// as if they had been run together.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Records, or the folders they are in [default: the newest in results/]
    #[arg(value_name = "RECORD")]
    records: Vec<PathBuf>,
    /// Only these contenders, tested as they were among all that raced
    #[arg(long, value_name = "CONTENDER,…", value_delimiter = ',')]
    only: Vec<String>,
    /// Output format
    #[arg(long, value_enum, default_value = "terminal", conflicts_with = "splice")]
    format: Format,
    /// Which figures: github-benchmark takes one file per direction
    #[arg(long, value_enum, default_value = "smaller")]
    direction: Better,
    /// Write to FILE, atomically, in place of stdout
    #[arg(short, long, visible_alias = "output", value_name = "FILE", conflicts_with = "splice")]
    out: Option<PathBuf>,
    /// Put the tables between `<!-- inflight:begin NAME -->` and `<!-- inflight:end NAME -->` in FILE
    #[arg(long, value_name = "FILE")]
    splice: Option<PathBuf>,
    /// Which NAME in the file
    #[arg(long, value_name = "NAME", default_value = "table", requires = "splice")]
    name: String,
    /// Which tables, in Markdown
    #[arg(long, value_enum, default_value = "all")]
    table: Tables,
    /// Only the main figures, with one line about them, in Markdown
    #[arg(long)]
    brief: bool,
    /// Behind a line to click on, in Markdown
    #[arg(long)]
    folded: bool,
    /// Change nothing: fail when FILE differs from what the records give
    #[arg(long)]
    check: bool,
    /// Write the page beside the record, and open it in the browser where there is one
    #[arg(long, conflicts_with_all = ["splice", "out", "chart"])]
    open: bool,
    /// One chart of the page alone, as SVG
    #[arg(long, value_name = "CHART", value_parser = charts::NAMES, conflicts_with = "splice")]
    chart: Option<String>,
}

/// What records are rendered as: for people, or for other programs.
#[derive(Clone, Copy)]
enum Format {
    Terminal,
    Markdown,
    Html,
    Export(&'static Export),
}

impl Format {
    fn name_and_about(&self) -> (&'static str, &'static str) {
        match self {
            Format::Terminal => ("terminal", "A table that fits its width"),
            Format::Markdown => ("markdown", "For a document"),
            Format::Html => ("html", "The page: charts and tables in one file"),
            Format::Export(export) => (export.name, export.about),
        }
    }
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Format] {
        static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| {
            let for_people = [Format::Terminal, Format::Markdown, Format::Html];
            for_people.into_iter().chain(EXPORTS.iter().map(Format::Export)).collect()
        });
        &FORMATS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, about) = self.name_and_about();
        Some(PossibleValue::new(name).help(about))
    }
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Better {
    /// Wall time, CPU and memory, for customSmallerIsBetter
    Smaller,
    /// Throughput and efficiency, for customBiggerIsBetter
    Bigger,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Tables {
    /// All of them
    All,
    /// Models with their native client
    Native,
    /// Models with the common client
    Common,
    /// Published figures of others
    Published,
}

pub(super) fn report(args: &Args) -> Result<ExitCode> {
    args.refuse_contradictions()?;
    let paths = match args.records.as_slice() {
        [] => vec![newest_record(Path::new("results"))?],
        given => given.to_vec(),
    };
    let command = args.command(&paths);
    if let Some(document) = &args.splice {
        return put_into(document, args, &args.compared(&paths)?, &command);
    }
    let text = args.rendered(&paths)?;
    match &args.out {
        _ if args.open => super::page::open(&text, &paths[0]),
        Some(file) => put_at(file, &text, args.check, &command),
        None => super::print(&text).map(|()| ExitCode::SUCCESS),
    }
}

impl Args {
    fn rendered(&self, paths: &[PathBuf]) -> Result<String> {
        if self.open || self.chart.is_some() {
            return self.drawn(paths);
        }
        let records = || self.compared(paths);
        Ok(match self.format {
            Format::Terminal => {
                let screen = super::screen();
                // A file has no colours, even where stdout is a terminal.
                let colours = screen.colours && self.out.is_none();
                terminal::render_all(&records()?, Screen { colours, ..screen })
            }
            Format::Markdown => self.markdown(&records()?)?,
            Format::Html => self.drawn(paths)?,
            Format::Export(export) => self.exported(export, &records()?, paths)?,
        })
    }

    fn exported(&self, export: &Export, records: &[Named], paths: &[PathBuf]) -> Result<String> {
        (export.render)(records, self.direction.into())
            .with_context(|| format!("nothing to export as {}: {}", export.name, why_empty(records, paths)))
    }

    /// The record at `path` and its comparison, with only the contenders of `--only`. They are
    /// compared before they are selected, since the selection may depend on the figures.
    fn read(&self, path: &Path) -> Result<(Record, Comparison)> {
        let mut record = Record::read(path)?;
        let mut comparison = Comparison::of(&record);
        if !self.only.is_empty() {
            record.keep_only(&self.only).with_context(|| path.display().to_string())?;
            comparison = comparison.only(&self.only);
        }
        Ok((record, comparison))
    }

    fn compared(&self, paths: &[PathBuf]) -> Result<Vec<Named>> {
        let compare = |path: &PathBuf| {
            let (_, comparison) = self.read(path)?;
            Ok(Named { record: path.display().to_string(), comparison })
        };
        paths.iter().map(compare).collect()
    }

    /// The page, or one chart of it.
    fn drawn(&self, paths: &[PathBuf]) -> Result<String> {
        let [path] = paths else { bail!("a page or a chart is of one record: name only one") };
        let (record, comparison) = self.read(path)?;
        match &self.chart {
            None => Ok(page::render(&record, &comparison)),
            Some(name) => charts::svg(name, &record, &comparison)
                .with_context(|| format!("{} holds nothing for the chart `{name}`", path.display())),
        }
    }

    fn markdown(&self, records: &[Named]) -> Result<String> {
        let section = Section { tables: self.table.into(), brief: self.brief, folded: self.folded };
        Ok(markdown::render_all(records, section)?)
    }

    fn is_for_terminal(&self) -> bool {
        matches!(self.format, Format::Terminal)
    }

    fn is_markdown(&self) -> bool {
        self.splice.is_some() || matches!(self.format, Format::Markdown)
    }

    fn refuse_contradictions(&self) -> Result<()> {
        if self.check && self.splice.is_none() && self.out.is_none() {
            bail!("--check needs a file to check: --splice FILE or --out FILE");
        }
        if !self.is_markdown() && (self.brief || self.folded || self.table != Tables::All) {
            bail!(
                "--table, --brief and --folded apply only to Markdown: use them with --format markdown or --splice"
            );
        }
        if self.chart.is_some() && !self.is_for_terminal() {
            bail!("--chart is SVG whatever the --format: leave one of them out");
        }
        if self.open && !matches!(self.format, Format::Terminal | Format::Html) {
            bail!("--open shows the page, whatever the --format: leave one of them out");
        }
        if self.direction != Better::Smaller && self.format.name_and_about().0 != "github-benchmark" {
            bail!("--direction applies only to --format github-benchmark");
        }
        Ok(())
    }

    /// The command that renders the same again.
    fn command(&self, paths: &[PathBuf]) -> String {
        let mut words = vec!["report".to_owned()];
        words.extend(paths.iter().map(|path| path.display().to_string()));
        let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
        if !self.only.is_empty() {
            option("--only", self.only.join(","));
        }
        if !self.is_for_terminal() {
            option("--format", name_of(self.format));
        }
        if self.direction != Better::Smaller {
            option("--direction", name_of(self.direction));
        }
        if let Some(name) = &self.chart {
            option("--chart", name.clone());
        }
        if let Some(file) = &self.out {
            option("--out", file.display().to_string());
        }
        if let Some(document) = &self.splice {
            option("--splice", document.display().to_string());
            option("--name", self.name.clone());
        }
        if self.table != Tables::All {
            option("--table", name_of(self.table));
        }
        words.extend(self.brief.then(|| "--brief".to_owned()));
        words.extend(self.folded.then(|| "--folded".to_owned()));
        super::command_line(words)
    }
}

/// Why a format of figures alone, whose readers fail on an empty file, has none.
fn why_empty(records: &[Named], paths: &[PathBuf]) -> String {
    let mut contenders = records.iter().flat_map(|named| &named.comparison.contenders);
    if contenders.any(|row| row.measured.is_some()) {
        return "the target was the limit of every contender's throughput: export CPU and memory with --direction \
                smaller, or measure with longer delays"
            .to_owned();
    }
    let words = ["report".to_owned()].into_iter().chain(paths.iter().map(|path| path.display().to_string()));
    format!("no contender has a valid run: `{}` shows why", super::command_line(words))
}

/// As it is written on the command line.
fn name_of(value: impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// The tables between their markers in `document`, below the command that renders them again.
fn put_into(document: &Path, args: &Args, records: &[Named], command: &str) -> Result<ExitCode> {
    let shown = document.display();
    let text = fs::read_to_string(document).with_context(|| format!("cannot read {shown}"))?;
    let generated = splice::with_command(command, &args.markdown(records)?);
    let spliced = splice::splice(&text, &args.name, &generated).with_context(|| shown.to_string())?;
    if !args.check {
        return write_atomically(document, &spliced).map(|()| ExitCode::SUCCESS);
    }
    Ok(verdict(text == spliced, &format!("{shown}: the text at `{}`", args.name), command))
}

/// All of `text` in a file of its own.
fn put_at(file: &Path, text: &str, check: bool, command: &str) -> Result<ExitCode> {
    if !check {
        return write_atomically(file, text).map(|()| ExitCode::SUCCESS);
    }
    let shown = file.display();
    let stands = fs::read(file).with_context(|| format!("cannot read {shown}"))?;
    Ok(verdict(stands == text.as_bytes(), &format!("{shown}: the text"), command))
}

fn verdict(current: bool, what: &str, command: &str) -> ExitCode {
    if current {
        return ExitCode::SUCCESS;
    }
    super::say_error(&format!("{what} is stale; render it again with: {command}"));
    ExitCode::from(super::STALE)
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

impl From<Better> for Direction {
    fn from(better: Better) -> Direction {
        match better {
            Better::Smaller => Direction::SmallerIsBetter,
            Better::Bigger => Direction::BiggerIsBetter,
        }
    }
}

impl From<Tables> for markdown::Tables {
    fn from(tables: Tables) -> markdown::Tables {
        match tables {
            Tables::All => markdown::Tables::All,
            Tables::Native => markdown::Tables::Native,
            Tables::Common => markdown::Tables::Common,
            Tables::Published => markdown::Tables::Published,
        }
    }
}
