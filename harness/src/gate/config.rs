//! `inflight.toml`: what a gate measures, fixed before it runs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use inflight_report::gate::GateFigure;
use mock_target::Scenario;
use serde::Deserialize;

use crate::toml_error;

/// The most cells: more would need too many tests.
const MOST_CELLS: usize = 20;

/// Runs of each build in a pair where nothing is delayed, and a run takes some milliseconds.
const RUNS_WITHOUT_DELAY: u32 = 10;

/// The most runs in a pair: more would not be back to back.
const MOST_RUNS: u32 = 100;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GateConfig {
    /// How a checkout is built.
    pub(crate) build: Option<BuildSpec>,
    /// The cells that are measured.
    #[serde(rename = "cell")]
    pub(crate) cells: Vec<CellConfig>,
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
    /// The contender.
    pub(crate) contender: String,
    /// The preset.
    pub(crate) preset: String,
    urls: Option<u64>,
    runs: Option<u32>,
    figures: Option<Vec<GateFigure>>,
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
        let config: GateConfig = toml::from_str(text).map_err(|error| toml_error::one_line(text, &error))?;
        let cells = config.cells.len();
        ensure!(cells > 0, "there is no [[cell]]");
        ensure!(cells <= MOST_CELLS, "{cells} cells are too many for one gate: at most {MOST_CELLS}");
        for (at, cell) in config.cells.iter().enumerate() {
            cell.check().with_context(|| format!("cell `{}`", cell.contender))?;
            let same =
                |other: &CellConfig| (&other.contender, &other.preset) == (&cell.contender, &cell.preset);
            ensure!(
                !config.cells[..at].iter().any(same),
                "{} × {} is defined twice",
                cell.contender,
                cell.preset
            );
        }
        Ok(config)
    }
}

impl CellConfig {
    fn check(&self) -> Result<()> {
        let scenario = self.scenario()?;
        scenario.validate()?;
        ensure!((1..=MOST_RUNS).contains(&self.runs()), "runs: from 1 to {MOST_RUNS}");
        let figures = self.figures.as_deref().unwrap_or(&[GateFigure::Throughput]);
        ensure!(!figures.is_empty(), "figures: name one at least, or leave it out");
        let cpu = figures.contains(&GateFigure::Cpu);
        ensure!(
            !cpu || !self.delays(),
            "figures: cpu is judged where nothing is delayed: with delays it varies too much"
        );
        Ok(())
    }

    /// What the target does.
    pub(crate) fn scenario(&self) -> Result<Scenario> {
        let preset = Scenario::preset(&self.preset)?;
        Ok(Scenario { urls: self.urls.unwrap_or(preset.urls), ..preset })
    }

    /// Runs of each build in a pair.
    pub(crate) fn runs(&self) -> u32 {
        self.runs.unwrap_or(if self.delays() { 1 } else { RUNS_WITHOUT_DELAY })
    }

    /// What is judged: by default all figures that are reliable. Where requests are delayed, CPU and the
    /// counts that depend on the number of events per wake-up vary too much.
    pub(crate) fn figures(&self) -> Vec<GateFigure> {
        match &self.figures {
            Some(figures) => GateFigure::ALL.into_iter().filter(|figure| figures.contains(figure)).collect(),
            None if self.delays() => {
                vec![GateFigure::Throughput, GateFigure::Memory, GateFigure::Connections]
            }
            None => GateFigure::ALL.to_vec(),
        }
    }

    fn delays(&self) -> bool {
        self.scenario().is_ok_and(|scenario| (0..scenario.urls).any(|id| scenario.delay_ns(id) > 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        format!("{:#}", GateConfig::parse(text).unwrap_err())
    }

    #[test]
    fn defaults_depend_on_the_preset() {
        let text = "[[cell]]\ncontender = 'tokio:8'\npreset = 'sprint'\nurls = 1000\n\
                    [[cell]]\ncontender = 'tokio:8'\npreset = 'quick'\n";
        let cells = GateConfig::parse(text).unwrap().cells;
        assert_eq!((cells[0].runs(), cells[0].scenario().unwrap().urls), (RUNS_WITHOUT_DELAY, 1_000));
        assert_eq!(cells[0].figures(), GateFigure::ALL);
        assert_eq!((cells[1].runs(), cells[1].scenario().unwrap().urls), (1, 1_000));
        assert!(!cells[1].figures().contains(&GateFigure::Cpu));
    }

    #[test]
    fn mistakes_are_one_line() {
        let cell = "[[cell]]\ncontender = 'tokio:8'\npreset = 'sprint'\n";
        assert!(refusal("").contains("missing field `cell`"), "{}", refusal(""));
        assert!(refusal(&cell.repeat(2)).contains("is defined twice"));
        assert!(refusal(&format!("{cell}round = 3\n")).contains("unknown field `round`"));
        assert!(refusal(&cell.replace("sprint", "sprnt")).contains("did you mean \"sprint\"?"));
        assert!(refusal(&format!("{cell}runs = 0\n")).contains("runs: from 1 to 100"));
        assert!(refusal(&format!("{cell}figures = []\n")).contains("figures: name one"));
        assert!(refusal(&format!("{cell}figures = ['speed']\n")).contains("unknown variant `speed`"));
    }
}
