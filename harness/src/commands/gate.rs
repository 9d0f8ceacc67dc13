//! `inflight gate`: compares two builds and fails where the head is worse than the base.

use std::env;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use inflight_report::gate::{self, GATE_FORMAT, Gate, GateOutcome, Judgement, exports, summary};
use inflight_report::record::Noise;

use super::output::write_own;
use super::run::parse_time;
use crate::gate::{
    Artifact, Copies, GateConfig, GateObserver, INTERRUPTED, ProcessBench, Repository, run_stages,
    working_tree,
};
use crate::machine;
use crate::machine::placement::Pin;
use crate::runner::Observer;

/// Something is worse.
const REGRESSION: u8 = 1;

/// The variable in which GitHub names the file of a step's summary.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Compare two builds pair by pair, and fail where the head is worse
///
/// Configured in inflight.toml. Pairs of runs are added until every figure is decided: worse by more than 1 %, or not
/// worse by 5 %. Two equal builds usually take two to three minutes, and a clear regression less than one.
///
/// Exit code 0: nothing is worse. 1: something is worse. 2: wrong use, or a build that does not work. 3: inconclusive,
/// a required figure is not decided.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Baseline build: a program `inflight`, or the contender.toml of a contender of your own
    #[arg(long, value_name = "PATH", conflicts_with = "base_rev")]
    base: Option<PathBuf>,
    /// Build the baseline from this git revision, as configured in inflight.toml
    #[arg(long, value_name = "REV")]
    base_rev: Option<String>,
    /// Build under test [default: with --base this program, with --base-rev the working tree, built likewise]
    #[arg(long, value_name = "PATH")]
    head: Option<PathBuf>,
    /// Configuration: what is measured, and how a revision is built
    #[arg(long, value_name = "FILE", default_value = "inflight.toml")]
    config: PathBuf,
    /// Judge this saved gate again, instead of measuring
    #[arg(long, value_name = "FILE", conflicts_with_all = ["base", "base_rev", "head", "history", "seed", "budget", "keep_going"])]
    saved: Option<PathBuf>,
    /// Time to measure for at most, such as 90s or 4m; builds are not part of it
    #[arg(long, value_name = "TIME", value_parser = parse_time, default_value = "4m")]
    budget: Duration,
    /// Measure the other figures too when something is certainly worse
    #[arg(long)]
    keep_going: bool,
    /// Folder of gates, one file each: this one is saved there before it is judged
    #[arg(long, value_name = "DIR")]
    history: Option<PathBuf>,
    /// Folder for summary.md, junit.xml, bmf.json and github-benchmark.json
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Seed of the order of pairs and cells [default: drawn]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// CPUs for target and clients, as in `inflight run`
    #[arg(long, value_name = "PLACEMENT", default_value = "auto")]
    pin: Pin,
}

/// A closed pipe is a success for other commands. Here the exit code is the result, and must not become a pass.
pub(super) fn gate(args: &Args) -> Result<ExitCode> {
    answer(args).map_err(|error| anyhow!("{error:#}"))
}

fn answer(args: &Args) -> Result<ExitCode> {
    let (gate, saved) = match &args.saved {
        Some(path) => (gate::read(path)?, Ok(())),
        None => match run(args)? {
            Some(gate) => {
                let saved = save(args, &gate);
                (gate, saved)
            }
            None => {
                super::say_error(INTERRUPTED);
                return Ok(super::interrupt::exit_code());
            }
        },
    };
    let judgement = Judgement::of(&gate);
    // What cannot be written is named, and the exit code stays the verdict.
    for error in saved.err().into_iter().chain(publish(args, &gate, &judgement)) {
        super::say_error(&format!("{error:#}"));
    }
    Ok(match judgement.outcome {
        GateOutcome::Pass => ExitCode::SUCCESS,
        GateOutcome::Regression => ExitCode::from(REGRESSION),
        GateOutcome::Inconclusive => ExitCode::from(super::INCONCLUSIVE),
    })
}

/// The gate that was asked for; `None` where the user stopped it.
fn run(args: &Args) -> Result<Option<Gate>> {
    if args.base.is_none() && args.base_rev.is_none() {
        bail!("name the baseline build: --base PATH, or --base-rev REV");
    }
    let config = GateConfig::read(&args.config)?;
    for folder in args.history.iter().chain(&args.out) {
        find_room(folder).with_context(|| format!("cannot write to {}", folder.display()))?;
    }
    let copies = Copies::create()?;
    let own = copies.of_this_program()?;
    let [base, head] = args.artifacts(&config)?;
    let mut progress = GateProgress::new(args.budget, super::interrupt::catch()?);
    let measured = measure(args, &config, [&base, &head], (&copies, &own), &mut progress);
    progress.bar.finish_and_clear();
    if progress.interrupted() { Ok(None) } else { measured.map(Some) }
}

/// Checks for a full disk before time is spent on measurements.
fn find_room(folder: &Path) -> io::Result<()> {
    const GATE_BYTES: usize = 256 << 10;
    fs::create_dir_all(folder)?;
    let mut file = tempfile::tempfile_in(folder)?;
    file.write_all(&vec![0; GATE_BYTES])?;
    file.sync_all()
}

/// Saves what was measured, before it is judged.
fn save(args: &Args, gate: &Gate) -> Result<()> {
    let Some(folder) = &args.history else { return Ok(()) };
    let saved = gate::save(folder, gate).with_context(|| format!("cannot save in {}", folder.display()))?;
    super::show(&format!("Saved as {}\n", saved.display()))
}

impl Args {
    /// Base and head.
    fn artifacts(&self, config: &GateConfig) -> Result<[Artifact; 2]> {
        let named = |path: &Path| Artifact::at(path, path.display().to_string());
        match (&self.base, self.base_rev.as_deref().unwrap_or_default()) {
            (Some(base), _) => {
                let own = || env::current_exe().context("cannot find this program itself");
                let head = self.head.clone().map_or_else(own, Ok)?;
                Ok([named(base)?, named(&head)?])
            }
            (None, revision) => {
                let folder = working_tree()?;
                let build_spec = config.build.as_ref().with_context(|| {
                    format!("--base-rev needs [build] with command and result in {}", self.config.display())
                })?;
                let repository = Repository::new(&folder, build_spec);
                let base = repository.build_revision(revision)?;
                let head = self.head.as_deref().map_or_else(|| repository.build_working_tree(), named)?;
                Ok([base, head])
            }
        }
    }
}

/// Runs everything.
fn measure(
    args: &Args,
    config: &GateConfig,
    [base, head]: [&Artifact; 2],
    (copies, own): (&Copies, &Path),
    progress: &mut GateProgress,
) -> Result<Gate> {
    let started_at = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let words = env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    // One placement for all cells: the one for cells without delays.
    let placement = args.pin.placement(0)?;
    // Names of equal length: what a program does with its own path must not differ.
    let control = base.copied(copies, "ctrl")?;
    let (base, head) = (base.copied(copies, "base")?, head.copied(copies, "head")?);
    let mut bench =
        ProcessBench::prepare(own, &config.cells, [&base, &head, &control], placement.as_ref(), progress)?;
    let mut gate = Gate {
        gate_format: GATE_FORMAT,
        inflight_version: env!("CARGO_PKG_VERSION").to_owned(),
        command: super::command_line(words),
        started_at,
        took_ns: 0,
        machine: machine::describe(),
        noise: Noise::default(),
        base: base.build.clone(),
        head: head.build.clone(),
        seed: args.seed.unwrap_or_else(|| fastrand::u64(..1 << 32)),
        budget_ns: Some(args.budget.as_nanos() as u64),
        keep_going: args.keep_going,
        cells: bench.cells(),
        pairs: Vec::new(),
        counts: Vec::new(),
        unmatched: bench.unmatched.clone(),
        not_offered: bench.not_offered(),
    };
    run_stages(&mut gate, &mut bench)?;
    (gate.took_ns, gate.noise) = bench.noise();
    Ok(gate)
}

/// Prints the verdict, then writes the files that were asked for. Gives what could not be written.
fn publish(args: &Args, gate: &Gate, judgement: &Judgement) -> Vec<anyhow::Error> {
    let mut failed = Vec::new();
    failed.extend(super::show(&summary::terminal(gate, judgement, super::screen().width)).err());
    let markdown = summary::markdown(gate, judgement);
    if let Some(folder) = &args.out {
        for (name, text) in [
            ("summary.md", Some(markdown.clone())),
            ("junit.xml", Some(exports::junit(gate, judgement))),
            ("bmf.json", exports::bmf(gate, judgement)),
            ("github-benchmark.json", exports::github_benchmark(gate, judgement)),
        ] {
            let path = folder.join(name);
            let written = match text {
                Some(text) => write_own(&path, &text),
                None => leave_out(&path),
            };
            failed.extend(written.err());
        }
    }
    if let Some(path) = env::var_os(STEP_SUMMARY).filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        let written = append_summary(&path, &markdown);
        failed.extend(written.with_context(|| format!("cannot write to {}", path.display())).err());
    }
    failed
}

/// An empty file would make its readers fail, and that of an earlier gate must not be mistaken for this one.
fn leave_out(path: &Path) -> Result<()> {
    let shown = path.display();
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {shown}, which is from an earlier gate"))
        }
        _ => bail!("{shown} is not written: no cell has a ratio to export; the summary says what is missing"),
    }
}

/// GitHub drops a summary that is too long as a whole: ours is cut to what is left.
fn append_summary(path: &Path, markdown: &str) -> io::Result<()> {
    let mut file = File::options().append(true).create(true).open(path)?;
    let taken = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    let left = summary::STEP_SUMMARY_BYTES.saturating_sub(taken);
    file.write_all(summary::cut(markdown, left).as_bytes())
}

/// The progress of a gate, and whether Ctrl-C was pressed.
struct GateProgress {
    bar: ProgressBar,
    /// How many figures are decided, and of how many.
    decided: (usize, usize),
    /// When the budget is spent.
    ends: Instant,
    interrupted: &'static AtomicBool,
}

impl GateProgress {
    fn new(budget: Duration, interrupted: &'static AtomicBool) -> GateProgress {
        let bar = if io::stderr().is_terminal() { ProgressBar::new(1) } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("{prefix}  {bar:30}  {msg}").expect("the template is right");
        bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
        GateProgress { bar, decided: (0, 0), ends: Instant::now() + budget, interrupted }
    }

    /// `12 of 29 figures decided, at most 183 s left`.
    fn text(&self) -> String {
        let left = self.ends.saturating_duration_since(Instant::now()).as_secs_f64().ceil();
        match self.decided {
            (_, 0) => format!("at most {left} s left"),
            (decided, figures) => format!("{decided} of {figures} figures decided, at most {left} s left"),
        }
    }
}

impl Observer for GateProgress {
    fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

impl GateObserver for GateProgress {
    fn begin_measurement(&mut self, stage: &str) {
        self.bar.set_prefix(stage.to_owned());
        self.bar.set_message(self.text());
    }

    /// Prints a line where stderr is not a terminal.
    fn end_round(&mut self, done: &str, decided: (usize, usize), left: Duration) {
        (self.decided, self.ends) = (decided, Instant::now() + left);
        self.bar.set_length(decided.1 as u64);
        self.bar.set_position(decided.0 as u64);
        if self.bar.is_hidden() {
            let _ = writeln!(io::stderr(), "inflight: {done}: {}", self.text());
        }
    }
}
