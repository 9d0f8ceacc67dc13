//! `inflight run`: race contenders, save the record, print the comparison.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use inflight_report::comparison::Comparison;
use inflight_report::record::{FILE_NAME, FORMAT, Header, Order, RateFacts, Record, ScenarioFacts, Writer};
use inflight_report::tables;

use super::externals;
use super::lineup::Lineup;
use super::scenario_args::ScenarioArgs;
use crate::contender::Contender;
use crate::placement::{Pin, Placement};
use crate::progress::{Progress, RunProgress};
use crate::rate::{Arrivals, Rate};
use crate::schedule::{Turn, schedule};
use crate::session::{self, Session, Unwatched};
use crate::workload::Workload;
use crate::{article, limits, machine, models};

/// One at a time, wall is nearly all waiting: a second round would tell little for its time.
const ROUNDS_ONE_AT_A_TIME: u32 = 1;

/// Enough for a median, and to see the spread.
const ROUNDS: u32 = 5;

/// Race contenders over the same URLs and print the comparison
#[derive(clap::Args, Default)]
pub(super) struct Args {
    #[command(flatten)]
    lineup: Lineup,
    /// Rounds for each contender [default: 5, and 1 for one request at a time]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// Folder for the record and the table [default: results/TIME-PRESET]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Real-time priority for the target, where the system grants it [default: on with fewer than four
    /// cores, where anything is delayed]
    #[arg(long, value_name = "on|off", value_enum)]
    realtime: Option<Switch>,
    /// Open loop: requests are due at this rate, evenly spaced or at random times, whatever became of those
    /// before; latency counts from when each was due, and no more are in flight than the shape allows
    #[arg(long, value_name = "N/s[,poisson]")]
    rate: Option<Rate>,
    /// CPUs for target and clients: auto (the target on a core of its own where there are four or more), off,
    /// or lists as in target=3,clients=0-2
    #[arg(long, value_name = "PLACEMENT", default_value = "auto")]
    pin: Pin,
    #[command(flatten)]
    scenario: ScenarioArgs,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Switch {
    On,
    Off,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let placement = args.pin.placement()?;
    let workload = args.workload()?;
    let contenders = args.contenders(&workload)?;
    externals::probe(&contenders)?;
    contenders.iter().try_for_each(limits::check)?;
    let started_at = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let out = args.out.clone().unwrap_or_else(|| {
        Path::new("results").join(format!("{}-{}", started_at.replace(':', "-"), args.scenario.preset))
    });
    fs::create_dir_all(&out).with_context(|| format!("cannot write to {}", out.display()))?;

    let interrupted = catch_interrupt()?;
    let program = env::current_exe().context("cannot find this program itself")?;
    let mut options = session::target_options(&workload);
    if let Some(switch) = args.realtime {
        options.realtime = switch == Switch::On;
    }
    let mut session = Session::with_options(&program, workload, options, placement)?;
    let header = args.header(started_at, &session, &contenders);
    let path = out.join(FILE_NAME);
    let mut record =
        Writer::create(&path, &header).with_context(|| format!("cannot write {}", path.display()))?;
    race(&mut session, &header, &contenders, &mut record, interrupted)
        .with_context(|| format!("stopped; the runs before are saved in {}", out.display()))?;
    drop(session);

    let comparison = Comparison::of(&Record::read(&path)?);
    let table = out.join("table.md");
    fs::write(&table, tables::markdown::render(&comparison))
        .with_context(|| format!("cannot write {}", table.display()))?;
    super::print(&tables::terminal::render(&comparison, super::screen()))?;
    super::print(&format!("\nSaved in {}: {FILE_NAME}, table.md\n", out.display()))?;

    if interrupted.load(Ordering::Relaxed) {
        let _ = writeln!(io::stderr(), "inflight: interrupted; every run that had finished is above");
        return Ok(ExitCode::from(super::INTERRUPTED));
    }
    let all_valid = comparison.contenders.iter().all(|contender| contender.valid_runs > 0);
    Ok(if all_valid { ExitCode::SUCCESS } else { ExitCode::from(super::NOTHING_VALID) })
}

/// Every turn of the schedule, each saved as soon as it is over.
fn race(
    session: &mut Session,
    header: &Header,
    contenders: &[Contender],
    record: &mut Writer,
    interrupted: &'static AtomicBool,
) -> Result<()> {
    let urls = session.workload().scenario.urls;
    let rounds: Vec<u32> = header.contenders.iter().map(|contender| contender.rounds).collect();
    warm_up(session, contenders)?;
    let mut progress = Progress::new(&header.contenders, urls, interrupted);
    for turn in schedule(&rounds, header.order_seed) {
        let contender = &contenders[turn.contender];
        progress.begin(turn.contender);
        let before = u64::from(turn.round - 1) * urls;
        let mut watcher = RunProgress { progress: &mut progress, before };
        let (launch, limits) = (session.worker_of(contender), session.limits(contender));
        let Some(run) = session.run(contender, turn, &launch, limits, &mut watcher)? else { break };
        record.append(&run)?;
        progress.end(turn.round, urls);
    }
    progress.clear();
    Ok(())
}

/// One run that counts for nothing: a target that has never held so many connections is some
/// milliseconds late with its first ones. Where even the widest contender takes long there is no crowd
/// to be warm for.
fn warm_up(session: &mut Session, contenders: &[Contender]) -> Result<()> {
    const LONG_NS: u64 = 3_000_000_000;
    let widest = contenders.iter().max_by_key(|contender| contender.shape.slots());
    if let Some(contender) = widest
        && session.facts(contender, 0).floor_ns < LONG_NS
    {
        let (turn, launch) = (Turn { contender: 0, round: 0, position: 0 }, session.worker_of(contender));
        session.run(contender, turn, &launch, session.limits(contender), &mut Unwatched)?;
    }
    Ok(())
}

/// From here on Ctrl-C sets a flag that ends the race after cleaning up; a second one ends at once.
fn catch_interrupt() -> Result<&'static AtomicBool> {
    static INTERRUPTED: AtomicBool = AtomicBool::new(false);
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(super::INTERRUPTED));
        }
    })
    .context("cannot catch Ctrl-C")?;
    Ok(&INTERRUPTED)
}

impl Args {
    /// Who races. Where the load is an open loop, that is of all models those that can take it.
    fn contenders(&self, workload: &Workload) -> Result<Vec<Contender>> {
        let mut contenders = self.lineup.contenders(workload, self.scenario.meant_in_flight())?;
        if self.rate.is_some() {
            contenders.retain(|contender| !self.lineup.all || contender.source.no_rate().is_none());
            let cannot =
                contenders.iter().find_map(|contender| Some((contender, contender.source.no_rate()?)));
            if let Some((contender, why)) = cannot {
                bail!("{contender} does not do --rate: {why}; leave it out");
            }
        }
        Ok(contenders)
    }

    fn workload(&self) -> Result<Workload> {
        let workload = Workload::of(self.scenario.scenario()?);
        Ok(match self.rate {
            Some(rate) => workload.at_rate(rate),
            None => workload,
        })
    }

    fn rounds(&self, contender: &Contender) -> u32 {
        self.rounds.unwrap_or(if contender.shape.slots() == 1 { ROUNDS_ONE_AT_A_TIME } else { ROUNDS })
    }

    fn header(&self, started_at: String, session: &Session, contenders: &[Contender]) -> Header {
        let workload = session.workload();
        let scenario = &workload.scenario;
        Header {
            format: FORMAT,
            inflight_version: env!("CARGO_PKG_VERSION").to_owned(),
            command: super::command_line(
                env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()),
            ),
            started_at,
            machine: machine::describe(),
            scenario: ScenarioFacts {
                preset: self.scenario.unchanged_preset(scenario),
                seed: scenario.seed,
                urls: scenario.urls,
                latency: scenario.latency.to_string(),
                body_bytes: scenario.body_bytes,
                pace: scenario.pace.map(|pace| pace.to_string()),
                faults: scenario.faults.iter().map(ToString::to_string).collect(),
                median_delay_ns: workload.median_delay_ns(),
                total_delay_ns: workload.total_delay_ns(),
            },
            rate: workload.rate.map(|rate| RateFacts {
                per_second: rate.per_second,
                poisson: rate.arrivals == Arrivals::Poisson,
            }),
            placement: session.placement().map(Placement::facts),
            order: Order::Shuffled,
            order_seed: scenario.seed,
            budget: None,
            contenders: contenders.iter().map(|c| session.facts(c, self.rounds(c))).collect(),
            cost_base: Some(models::COST_BASE.to_owned()),
            references: vec![article::reference(contenders, workload)],
        }
    }
}
