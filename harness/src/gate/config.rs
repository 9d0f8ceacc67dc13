//! `inflight.toml`: what a gate measures, fixed before it runs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use inflight_report::gate::{Cell, GateFigure};
use mock_target::Scenario;
use serde::Deserialize;

use crate::toml_error;

/// The most cells: more would need too many tests.
const MOST_CELLS: usize = 20;

/// Runs of each build in a pair where nothing is delayed, and a run takes some milliseconds.
const RUNS_WITHOUT_DELAY: u32 = 4;

/// The most runs in a pair: more would not be back to back.
const MOST_RUNS: u32 = 100;

/// The configuration of a gate.
#[derive(Debug)]
pub(crate) struct GateConfig {
    /// How a checkout is built.
    pub(crate) build: Option<BuildSpec>,
    /// The cells that are measured, those that compare contenders first.
    pub(crate) cells: Vec<CellConfig>,
}

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    build: Option<BuildSpec>,
    #[serde(default)]
    cell: Vec<CellConfig>,
    #[serde(default)]
    target: Vec<CellConfig>,
}

/// How a checkout is built.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BuildSpec {
    /// The command that builds it, run in the checkout's folder.
    pub(crate) command: Vec<String>,
    /// The result, below that folder: an `inflight`, or a `contender.toml`.
    pub(crate) result: PathBuf,
}

/// One cell.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CellConfig {
    /// The contender; the load, where targets are compared.
    contender: String,
    preset: String,
    urls: Option<u64>,
    runs: Option<u32>,
    figures: Option<Vec<GateFigure>>,
    required: Option<Vec<GateFigure>>,
    /// Whether the targets of the builds are compared.
    #[serde(skip)]
    is_target: bool,
}

impl GateConfig {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// Where it cannot be read or understood, in one line.
    pub(crate) fn read(path: &Path) -> Result<GateConfig> {
        let text = fs::read_to_string(path).with_context(|| {
            format!(
                "cannot read {}, the configuration of the gate (CONTRIBUTING.md has an example)",
                path.display()
            )
        })?;
        GateConfig::parse(&text).with_context(|| path.display().to_string())
    }

    fn parse(text: &str) -> Result<GateConfig> {
        let ConfigFile { build, cell, target } =
            toml::from_str(text).map_err(|error| toml_error::one_line(text, &error))?;
        let targets = target.into_iter().map(|cell| CellConfig { is_target: true, ..cell });
        let cells: Vec<CellConfig> = cell.into_iter().chain(targets).collect();
        ensure!(!cells.is_empty(), "there is no [[cell]] and no [[target]]");
        let number = cells.len();
        ensure!(number <= MOST_CELLS, "{number} cells are too many for one gate: at most {MOST_CELLS}");
        for (at, cell) in cells.iter().enumerate() {
            let kind = if cell.is_target { "target" } else { "cell" };
            cell.check().with_context(|| format!("{kind} `{}`", cell.contender))?;
            let same = |other: &CellConfig| other.key() == cell.key();
            ensure!(!cells[..at].iter().any(same), "{} × {} is defined twice", cell.contender, cell.preset);
        }
        Ok(GateConfig { build, cells })
    }
}

impl CellConfig {
    /// What distinguishes it from all others.
    fn key(&self) -> (&str, &str, bool) {
        (&self.contender, &self.preset, self.is_target)
    }

    fn check(&self) -> Result<()> {
        let scenario = self.scenario()?;
        scenario.validate()?;
        ensure!((1..=MOST_RUNS).contains(&self.runs()), "runs: from 1 to {MOST_RUNS}");
        let figures = self.figures();
        let named = self.figures.as_deref().unwrap_or_default();
        ensure!(self.figures.is_none() || !named.is_empty(), "figures: name one at least, or leave it out");
        for figure in named {
            let name = figure.name();
            ensure!(figure.is_of_target() || !self.is_target, "figures: {name} is not a figure of a target");
            ensure!(!figure.is_of_target() || self.is_target, "figures: {name} is for a [[target]] alone");
        }
        ensure!(
            !named.contains(&GateFigure::Cpu) || !self.delays(),
            "figures: cpu is judged where nothing is delayed: with delays it varies too much"
        );
        let none = self.required.as_ref().is_some_and(Vec::is_empty);
        ensure!(!none, "required: name one at least, or leave it out");
        for figure in self.required.iter().flatten() {
            ensure!(figures.contains(figure), "required: {} is not one of its figures", figure.name());
        }
        Ok(())
    }

    /// What the target does.
    pub(crate) fn scenario(&self) -> Result<Scenario> {
        let preset = Scenario::preset(&self.preset)?;
        Ok(Scenario { urls: self.urls.unwrap_or(preset.urls), ..preset })
    }

    /// The cell as a gate has it.
    ///
    /// # Errors
    /// Where there is no such preset.
    pub(crate) fn cell(&self) -> Result<Cell> {
        Ok(Cell {
            contender: self.contender.clone(),
            preset: self.preset.clone(),
            urls: self.scenario()?.urls,
            runs: self.runs(),
            figures: self.figures(),
            required: self.required(),
            control: false,
            target: self.is_target,
        })
    }

    /// Runs of each build in a pair.
    fn runs(&self) -> u32 {
        self.runs.unwrap_or(if self.delays() { 1 } else { RUNS_WITHOUT_DELAY })
    }

    /// What is judged: by default all figures that are reliable. Where requests are delayed, CPU and the
    /// counts that depend on the number of events per wake-up vary too much. Where they are not, the target limits the
    /// wall time of most contenders.
    fn figures(&self) -> Vec<GateFigure> {
        let delays = self.delays();
        let by_default = |figure: GateFigure| match figure {
            _ if figure.is_of_target() || self.is_target => figure.is_of_target() && self.is_target,
            GateFigure::Throughput => delays,
            GateFigure::Memory | GateFigure::Connections => true,
            _ => !delays,
        };
        let is_judged = |figure: &GateFigure| match &self.figures {
            Some(named) => named.contains(figure),
            None => by_default(*figure),
        };
        GateFigure::ALL.into_iter().filter(is_judged).collect()
    }

    /// The figures that must be decided.
    fn required(&self) -> Vec<GateFigure> {
        let is_required = |figure: &GateFigure| match &self.required {
            Some(named) => named.contains(figure),
            None => figure.is_required_by_default(),
        };
        self.figures().into_iter().filter(is_required).collect()
    }

    fn delays(&self) -> bool {
        self.scenario().is_ok_and(|scenario| (0..scenario.urls).any(|id| scenario.delay_ns(id) > 0))
    }
}

#[cfg(test)]
mod tests {
    use super::GateFigure::*;
    use super::*;

    const CELL: &str = "[[cell]]\ncontender = 'tokio:8'\npreset = 'sprint'\n";

    fn cells(text: &str) -> Vec<Cell> {
        GateConfig::parse(text).unwrap().cells.iter().map(|cell| cell.cell().unwrap()).collect()
    }

    #[test]
    fn defaults_depend_on_kind_and_preset() {
        let text = format!(
            "[[target]]\ncontender = 'tokio:8'\npreset = 'quick'\n{CELL}urls = 1000\n{}",
            CELL.replace("sprint", "quick")
        );
        let [sprint, quick, target] = &cells(&text)[..] else { panic!("three cells") };
        assert_eq!((sprint.runs, sprint.urls, sprint.target), (RUNS_WITHOUT_DELAY, 1_000, false));
        assert_eq!(sprint.figures, [Cpu, Memory, Instructions, Allocations, SystemCalls, Connections]);
        assert_eq!(sprint.required, [Cpu, Instructions, Allocations, SystemCalls, Connections]);
        assert_eq!((quick.runs, quick.urls), (1, 1_000));
        assert_eq!(quick.figures, [Throughput, Memory, Connections]);
        assert_eq!(quick.required, [Connections]);
        assert!(target.target && !target.control);
        assert_eq!(target.figures, [TargetCpu, TargetLateness, TargetMemory]);
        assert_eq!(target.required, [TargetCpu]);
    }

    #[test]
    fn figures_and_required_ones_are_as_named() {
        let named = format!("{CELL}figures = ['memory', 'throughput', 'cpu']\nrequired = ['memory']\n");
        let [cell] = &cells(&named)[..] else { panic!("one cell") };
        assert_eq!((&cell.figures[..], &cell.required[..]), (&[Throughput, Cpu, Memory][..], &[Memory][..]));
    }

    #[test]
    fn mistakes_are_one_line() {
        let target = CELL.replace("cell", "target");
        let delayed = CELL.replace("sprint", "quick");
        for (text, words) in [
            (String::new(), "there is no [[cell]] and no [[target]]"),
            (CELL.repeat(2), "tokio:8 × sprint is defined twice"),
            (format!("{CELL}round = 3\n"), "unknown field `round`"),
            (format!("{CELL}is_target = true\n"), "unknown field `is_target`"),
            (CELL.replace("sprint", "sprnt"), "did you mean \"sprint\"?"),
            (format!("{CELL}runs = 0\n"), "cell `tokio:8`: runs: from 1 to 100"),
            (format!("{CELL}figures = []\n"), "figures: name one"),
            (format!("{CELL}figures = ['speed']\n"), "unknown variant `speed`"),
            (format!("{CELL}figures = ['target-cpu']\n"), "is for a [[target]] alone"),
            (format!("{target}figures = ['connections']\n"), "target `tokio:8`: figures: connections is not"),
            (format!("{delayed}figures = ['cpu']\n"), "cpu is judged where nothing is delayed"),
            (format!("{CELL}required = []\n"), "required: name one"),
            (format!("{CELL}required = ['throughput']\n"), "required: throughput is not one of its figures"),
            (format!("{target}required = ['cpu']\n"), "is not one of its figures"),
        ] {
            let error = format!("{:#}", GateConfig::parse(&text).unwrap_err());
            assert!(error.contains(words) && !error.contains('\n'), "{text}: {error}");
        }
    }
}
