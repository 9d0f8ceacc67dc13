//! `inflight list`: what can be raced, and against what.

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::Result;
use mock_target::Scenario;

use crate::models::MODELS;

/// List models and presets
#[derive(clap::Args)]
pub(super) struct Args {}

pub(super) fn list(_: &Args) -> Result<ExitCode> {
    let mut text = String::from(
        "Contenders are written MODEL:SHAPE. A shape is the number of requests in \
        flight, 128,\nor processes x in flight in each, 8x64.\n\nModels\n",
    );
    let width = MODELS.iter().map(|model| model.name.len()).max().unwrap_or(0);
    for model in MODELS {
        let most = model.max_in_flight.map(|most| format!("; at most {most} in flight")).unwrap_or_default();
        writeln!(text, "  {:width$}  {} (client: {}{most})", model.name, model.about, model.native_client)?;
    }
    text.push_str("\nPresets\n");
    for preset in Scenario::presets() {
        writeln!(text, "  {:width$}  {}", preset.name, preset.about)?;
    }
    super::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
