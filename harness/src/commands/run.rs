//! `inflight run`: race contenders, save the record, print the comparison.

mod exit_code;
mod resume;

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use inflight_report::charts::REUSES;
use inflight_report::comparison::Comparison;
use inflight_report::numbers::count;
use inflight_report::record::{
    Budget, ContenderFacts, FILE_NAME, FORMAT, Header, Order, RateFacts, Record, Run, ScenarioFacts, Writer,
};
use inflight_report::tables;
use mock_target::units;

use super::externals;
use super::lineup::Lineup;
use super::output::write_own;
use super::scenario_args::ScenarioArgs;
use crate::contender::{Contender, article, limits};
use crate::machine::placement::{Pin, Placement};
use crate::runner::{Runner, Session, rounds, target_options, warms_up};
use crate::workload::Workload;
use crate::workload::rate::{Arrivals, Rate};
use crate::{machine, models};

const PRECISION: f64 = 0.02;

/// The suffix of the name of an A/A control.
const CONTROL: &str = "#control";

/// Race contenders over the same URLs and print the comparison
///
/// Exit code 1: a contender has no valid run. 3: likewise, but only since the machine disturbed all of its runs.
#[derive(clap::Args, Default)]
pub(super) struct Args {
    #[command(flatten)]
    lineup: Lineup,
    /// Rounds for each contender [default: enough to distinguish the best from the others, or 5 where these would take
    /// more than 15 minutes; 1 for one request at a time]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// Time to spend, such as 90s or 2m, instead of a number of rounds: a contender runs until its interval
    /// is narrow or its share of the time is spent, and at least once
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "rounds")]
    budget: Option<Duration>,
    /// With a budget: how narrow the interval of the median wall time must be, as a part of it; it is checked
    /// after 10, 20, 40, … valid runs [default: 2%]
    #[arg(long, value_name = "SHARE", value_parser = parse_share, requires = "budget")]
    precision: Option<f64>,
    /// Order within a round: random and balanced over the rounds, or always as the contenders are named
    #[arg(
        long,
        value_name = "balanced|as-given",
        value_parser = PossibleValuesParser::new(["balanced", "as-given"]).map(order)
    )]
    order: Option<Order>,
    /// Run one contender a second time as an A/A control: any difference is noise [default: with --all and --models]
    #[arg(long, overrides_with = "no_aa")]
    aa: bool,
    /// No A/A control
    #[arg(long, overrides_with = "aa")]
    no_aa: bool,
    /// Continue the interrupted race in DIR; takes no other option
    #[arg(long, value_name = "DIR", exclusive = true)]
    resume: Option<PathBuf>,
    /// Folder for the record and the table [default: results/TIME-PRESET]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Real-time priority for the target, where the system grants it [default: on with fewer than four
    /// cores, where anything is delayed]
    #[arg(
        long,
        value_name = "on|off",
        value_parser = PossibleValuesParser::new(["on", "off"]).map(|word| word == "on")
    )]
    realtime: Option<bool>,
    /// Open loop: requests are due at this rate, evenly spaced or at random times, independent of the responses
    /// before; latency counts from the due time, and no more are in flight than the shape allows
    #[arg(long, value_name = "N/s[,poisson]")]
    rate: Option<Rate>,
    /// CPUs for target and clients: auto (the target on a core of its own where there are four or more), off,
    /// or lists as in target=3,clients=0-2
    #[arg(long, value_name = "PLACEMENT", default_value = "auto")]
    pin: Pin,
    #[command(flatten)]
    scenario: ScenarioArgs,
}

fn order(word: String) -> Order {
    if word == "as-given" { Order::AsGiven } else { Order::Balanced }
}

pub(super) fn parse_time(text: &str) -> Result<Duration> {
    match units::parse_duration(text)? {
        0 => bail!("write a time above zero, such as 90s or 2m"),
        ns => Ok(Duration::from_nanos(ns)),
    }
}

fn parse_share(text: &str) -> Result<f64> {
    let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    match percent {
        Some(percent) if percent > 0.0 && percent <= 100.0 => Ok(percent / 100.0),
        _ => bail!("write a part of the median, such as 2%"),
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    match &args.resume {
        None => begin(args),
        Some(folder) => resume(folder),
    }
}

fn begin(args: &Args) -> Result<ExitCode> {
    let participants = args.participants()?;
    let started_at = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let out = match &args.out {
        Some(out) => fs::create_dir_all(out).map(|()| out.clone()).with_context(|| cannot_write(out))?,
        None => new_folder(&started_at, &args.scenario.preset)?,
    };
    let words = env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    let race = Race::prepare(args, participants, super::command_line(words), started_at)?;
    let path = out.join(FILE_NAME);
    let record =
        Writer::create(&path, &race.header).with_context(|| format!("cannot write {}", path.display()))?;
    let raised = args.urls_raised_to(race.header.scenario.urls)?;
    let announced = rounds::announcement(&race.header, args.rounds);
    for line in raised.into_iter().chain(race.header.rate_too_high()).chain(announced) {
        super::say_error(&line);
    }
    race.run(&out, record, &[])
}

/// A folder of its own for a race: a second one that starts in the same second has a number.
fn new_folder(started_at: &str, preset: &str) -> Result<PathBuf> {
    let results = Path::new("results");
    fs::create_dir_all(results).with_context(|| cannot_write(results))?;
    let name = format!("{}-{preset}", started_at.replace(':', "-"));
    let mut folder = results.join(&name);
    let mut number = 1;
    loop {
        match fs::create_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                number += 1;
                folder = results.join(format!("{name}-{number}"));
            }
            created => return created.map(|()| folder.clone()).with_context(|| cannot_write(&folder)),
        }
    }
}

fn cannot_write(folder: &Path) -> String {
    format!("cannot write to {}", folder.display())
}

fn resume(folder: &Path) -> Result<ExitCode> {
    let (record, saved) = resume::open(folder)?;
    let args = resume::args(&saved.header)?;
    let was = &saved.header;
    let race = Race::prepare(&args, args.participants()?, was.command.clone(), was.started_at.clone())?;
    resume::refuse_changes(was, &race.header)?;
    race.run(folder, record, &saved.runs)
}

struct Race {
    contenders: Vec<Contender>,
    session: Session,
    header: Header,
    interrupted: &'static AtomicBool,
}

impl Race {
    fn prepare(
        args: &Args,
        (placement, workload, contenders): (Option<Placement>, Workload, Vec<Contender>),
        command: String,
        started_at: String,
    ) -> Result<Race> {
        let interrupted = super::interrupt::catch()?;
        let program = env::current_exe().context("cannot find this program itself")?;
        let mut options = target_options(&workload, placement.as_ref());
        options.realtime = args.realtime.unwrap_or(options.realtime);
        let session = Session::with_options(&program, workload, options, placement)?;
        let header = args.header(command, started_at, &session, &contenders)?;
        Ok(Race { contenders, session, header, interrupted })
    }

    /// Runs what is left after `runs` and prints the comparison of the whole.
    fn run(mut self, out: &Path, mut record: Writer, runs: &[Run]) -> Result<ExitCode> {
        let words = ["run", "--resume", &out.to_string_lossy()].map(str::to_owned);
        let resume = super::command_line(words);
        let finished = Runner::new(&self.header, &self.contenders, runs)
            .run(&mut self.session, &mut record, self.interrupted)
            .with_context(|| format!("stopped; the runs before are saved, and `{resume}` continues it"))?;
        let interrupted = self.interrupted.load(Ordering::Relaxed);
        if finished == 0 && !interrupted {
            bail!("nothing is left to run in {}", out.display());
        }
        drop(self.session);

        let record = Record::read(out)?;
        let comparison = Comparison::of(&record);
        let table = out.join("table.md");
        let saved = write_own(&table, &tables::markdown::render(&comparison));
        let printed = super::show(&tables::terminal::render(&comparison, super::screen()))
            .and_then(|()| super::show(&format!("\nSaved in {}: {FILE_NAME}, table.md\n", out.display())));
        // The record is safe even if stdout or the table fail, and the exit code stays the verdict.
        for error in saved.err().into_iter().chain(printed.err()) {
            super::say_error(&format!("{error:#}; the record is saved in {}", out.display()));
        }
        if interrupted {
            let line = "interrupted; every run that had finished is above";
            super::say_error(&format!("{line}; `{resume}` continues it"));
            return Ok(super::interrupt::exit_code());
        }
        Ok(ExitCode::from(exit_code::of(&record)))
    }
}

impl Args {
    fn participants(&self) -> Result<(Option<Placement>, Workload, Vec<Contender>)> {
        let workload = self.workload()?;
        let placement = self.pin.placement(workload.mean_delay_ns())?;
        let contenders = self.contenders(&workload)?;
        externals::probe(&contenders)?;
        contenders.iter().try_for_each(limits::check)?;
        Ok((placement, workload, contenders))
    }

    /// The contenders. In an open loop all that are named must support it.
    fn contenders(&self, workload: &Workload) -> Result<Vec<Contender>> {
        let contenders = self.lineup.contenders(workload, self.scenario.preset_in_flight())?;
        if self.rate.is_some() {
            let cannot =
                contenders.iter().find_map(|contender| Some((contender, contender.source.no_rate()?)));
            if let Some((contender, why)) = cannot {
                bail!("{contender} does not support --rate: {why}; leave it out");
            }
        }
        Ok(contenders)
    }

    fn workload(&self) -> Result<Workload> {
        let workload = Workload::of(self.scenario.scenario_of_run(self.lineup.urls_for_sweep())?);
        Ok(match self.rate {
            Some(rate) => workload.at_rate(rate),
            None => workload,
        })
    }

    /// A line that a sweep has more URLs than its preset, where it has.
    fn urls_raised_to(&self, urls: u64) -> Result<Option<String>> {
        let before = self.scenario.scenario(0)?.urls;
        Ok((urls > before).then(|| {
            format!(
                "{} URLs instead of {}: {REUSES} for each request in flight of the largest step, so that every \
                 step reuses its connections; --urls overrides it",
                count(urls),
                count(before),
            )
        }))
    }

    /// The facts of all contenders, the A/A control last.
    fn facts(&self, session: &Session, contenders: &[Contender]) -> Result<Vec<ContenderFacts>> {
        let mut facts: Vec<ContenderFacts> = contenders.iter().map(|c| session.facts(c, 1)).collect();
        if !self.no_aa && (self.aa || self.lineup.all || self.lineup.models) {
            let short = facts.iter().find(|facts| facts.slots() > 1 && warms_up(facts.ideal_ns));
            match short.cloned() {
                Some(of) => facts.push(ContenderFacts {
                    name: format!("{}{CONTROL}", of.name),
                    control_of: Some(of.name.clone()),
                    ..of
                }),
                None if self.aa => bail!(
                    "--aa runs a contender twice, and there is none with several requests in flight and an \
                     ideal time of at most 10 s"
                ),
                None => {}
            }
        }
        // Under a budget the time decides, and all have the same number.
        let asked = if self.budget.is_some() { Some(1) } else { self.rounds };
        rounds::assign(&mut facts, session.workload().scenario.urls, asked);
        Ok(facts)
    }

    fn header(
        &self,
        command: String,
        started_at: String,
        session: &Session,
        contenders: &[Contender],
    ) -> Result<Header> {
        let workload = session.workload();
        let scenario = &workload.scenario;
        Ok(Header {
            format: FORMAT,
            inflight_version: env!("CARGO_PKG_VERSION").to_owned(),
            command,
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
            order: self.order.unwrap_or(Order::Balanced),
            order_seed: scenario.seed,
            budget: self.budget.map(|time| Budget {
                time_ns: u64::try_from(time.as_nanos()).unwrap_or(u64::MAX),
                precision: self.precision.unwrap_or(PRECISION),
            }),
            contenders: self.facts(session, contenders)?,
            cost_base: Some(models::COST_BASE.to_owned()),
            references: vec![article::reference(contenders, workload)],
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::commands::{Cli, Command};

    fn args(words: &str) -> Args {
        match Cli::try_parse_from(words.split(' ')).unwrap().command {
            Some(Command::Run(args)) => args,
            _ => panic!("{words} is not a race"),
        }
    }

    #[test]
    fn sweep_has_ten_urls_for_each_request_in_flight_by_default() {
        let urls = |words: &str| {
            let args = args(words);
            let urls = args.workload().unwrap().scenario.urls;
            (urls, args.urls_raised_to(urls).unwrap())
        };
        let (raised, line) = urls("inflight run tokio --sweep 16,300");
        assert_eq!(raised, 3_000);
        assert!(line.unwrap().starts_with("3,000 URLs instead of 1,000: 10 for each request in flight"));
        assert_eq!(urls("inflight run tokio --sweep 16,64"), (1_000, None), "they are enough");
        assert_eq!(urls("inflight run tokio --sweep 16,300 --urls 50"), (50, None));
        assert_eq!(urls("inflight run tokio:300"), (1_000, None));
        let most = args("inflight run --body 1").scenario.scenario_of_run(u64::MAX).unwrap();
        assert_eq!(most.urls, 1_000_000, "no more than the ledger takes");
    }
}
