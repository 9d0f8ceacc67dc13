//! The options that choose a scenario, shared by every command that needs one.

use anyhow::{Result, bail};
use mock_target::{FaultShare, InjectedBug, Latency, Pace, Scenario};

use crate::contender::article;

/// The most bytes of all bodies of a run: their digests are computed before it begins.
const MOST_BYTES: u64 = 16 << 30;

/// The most URLs: as many as the ledger of the target holds in full.
const MOST_URLS: u64 = 1_000_000;

/// What the target does.
#[derive(Clone, clap::Args)]
pub(super) struct ScenarioArgs {
    /// Scenario to start from; the options below change it. `inflight list` describes them
    #[arg(
        long,
        default_value = "quick",
        default_value_if("article", "true", article::PRESET),
        help_heading = "Scenario"
    )]
    pub(super) preset: String,
    /// Number of URLs
    #[arg(long, value_name = "N", help_heading = "Scenario")]
    urls: Option<u64>,
    /// Distribution of delays: fixed:20ms, uniform:10ms,50ms, normal:50ms,10ms (mean, deviation),
    /// lognormal:250ms,0.318 (median, sigma), erlang:3,250ms (stages, mean), pareto:10ms,1.5 (least,
    /// exponent), mix:95%*SPEC+5%*SPEC, or file:ttfb.csv (measurements or quantiles of your own)
    #[arg(long, value_name = "SPEC", help_heading = "Scenario")]
    latency: Option<Latency>,
    /// Size of each response body, such as 512, 10KiB or 1MB
    #[arg(long, value_name = "SIZE", value_parser = mock_target::units::parse_bytes, help_heading = "Scenario")]
    body: Option<u64>,
    /// How fast bodies are sent: 1KiB/20ms (a piece, and the time to the next) or 1MiB/s
    #[arg(long, value_name = "PACE", help_heading = "Scenario")]
    pace: Option<Pace>,
    /// Faults and their share of responses, such as reset-mid-body=2%; may be given several times.
    /// `inflight list --faults` names them
    #[arg(long = "fault", value_name = "FAULT=SHARE", help_heading = "Scenario")]
    faults: Vec<FaultShare>,
    /// Seed of delays, bodies and the order of runs
    #[arg(long, value_name = "N", help_heading = "Scenario")]
    seed: Option<u64>,
    /// Injects a bug into the target, to test that it is detected: twice:ID or wrong-byte:ID
    #[arg(long = "inject-bug", alias = "lie", value_name = "BUG", hide = true)]
    injected_bug: Option<InjectedBug>,
}

impl Default for ScenarioArgs {
    fn default() -> Self {
        ScenarioArgs {
            preset: "quick".to_owned(),
            urls: None,
            latency: None,
            body: None,
            pace: None,
            faults: Vec::new(),
            seed: None,
            injected_bug: None,
        }
    }
}

impl ScenarioArgs {
    /// As [`ScenarioArgs::scenario`], for a run, all of whose bodies are checked.
    pub(super) fn scenario_of_run(&self, least_urls: u64) -> Result<Scenario> {
        let scenario = self.scenario(least_urls)?;
        let (urls, body) = (scenario.urls, scenario.body_bytes);
        if urls.saturating_mul(body) > MOST_BYTES {
            bail!(
                "{urls} bodies of {body} bytes are more than 16 GiB in one run: ask for less with --body or --urls"
            );
        }
        Ok(scenario)
    }

    /// The preset with the changes of the options. Where `--urls` is not given it has `least_urls` or more, as far as
    /// a run can have them.
    pub(super) fn scenario(&self, least_urls: u64) -> Result<Scenario> {
        let preset = Scenario::preset(&self.preset)?;
        let body_bytes = self.body.unwrap_or(preset.body_bytes);
        let possible = MOST_URLS.min(MOST_BYTES / body_bytes.max(1));
        let scenario = Scenario {
            seed: self.seed.unwrap_or(preset.seed),
            latency: self.latency.clone().unwrap_or_else(|| preset.latency.clone()),
            body_bytes,
            urls: self.urls.unwrap_or(preset.urls.max(least_urls.min(possible))),
            pace: self.pace.or(preset.pace),
            faults: if self.faults.is_empty() { preset.faults } else { self.faults.clone() },
            injected_bug: self.injected_bug.or(preset.injected_bug),
        };
        scenario.validate()?;
        if scenario.urls > MOST_URLS {
            bail!("{} URLs are too many: ask for at most {MOST_URLS} with --urls", scenario.urls);
        }
        Ok(scenario)
    }

    pub(super) fn preset_in_flight(&self) -> u32 {
        let preset = Scenario::presets().iter().find(|preset| preset.name == self.preset);
        preset.map_or(128, |preset| preset.in_flight)
    }

    /// The preset's name, where `scenario` is unchanged.
    pub(super) fn unchanged_preset(&self, scenario: &Scenario) -> Option<String> {
        let unchanged = Scenario::preset(&self.preset).is_ok_and(|preset| preset == *scenario);
        unchanged.then(|| self.preset.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenario_may_be_too_large_for_one_run() {
        for (preset, urls, body) in
            [("sprint", None, 100 << 20), ("storm", None, 1 << 20), ("quick", Some(1_000_000), 100_000)]
        {
            let args =
                ScenarioArgs { preset: preset.to_owned(), urls, body: Some(body), ..ScenarioArgs::default() };
            assert_eq!(args.scenario(0).unwrap().body_bytes, body);
            let refused = args.scenario_of_run(0).unwrap_err().to_string();
            assert!(refused.contains("16 GiB in one run"), "{preset}: {refused}");
        }
    }
}
