//! `inflight list`: what can be raced, and against what.

use std::process::ExitCode;

use anyhow::Result;
use mock_target::Scenario;

use crate::models::{MODELS, Model};

/// List models and presets
#[derive(clap::Args)]
pub(super) struct Args {
    /// Only the presets
    #[arg(long, conflicts_with = "faults")]
    presets: bool,
    /// Only the faults that a target can be told to commit
    #[arg(long)]
    faults: bool,
}

pub(super) fn list(args: &Args) -> Result<ExitCode> {
    super::print(&match (args.presets, args.faults) {
        (true, _) => presets(),
        (_, true) => faults(),
        _ => models() + "\nPresets\n" + &presets(),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn models() -> String {
    let mut text = String::from(
        "Contenders are written MODEL:SHAPE. A shape is the number of requests in \
        flight, 128,\nor processes x in flight in each, 8x64.\n\nModels\n",
    );
    let width = MODELS.iter().map(|model| model.name.len()).max().unwrap_or(0);
    for model in MODELS {
        let most = model.max_in_flight.map(|most| format!("; at most {most} in flight")).unwrap_or_default();
        let Model { name, about, native_client, .. } = model;
        text += &format!("  {name:width$}  {about} (client: {native_client}{most})\n");
    }
    text
}

fn presets() -> String {
    Scenario::presets().iter().map(|preset| item(preset.name, preset.about)).collect()
}

fn faults() -> String {
    let names = mock_target::fault::ALL.iter().map(|fault| format!("  {fault}\n"));
    "Written NAME[@PARAMETER]=SHARE%[,until=ATTEMPT]; the parameters shown are the defaults.\n".to_owned()
        + &names.collect::<String>()
}

/// A name and what there is to say of it, wrapped beside it.
fn item(name: &str, about: &str) -> String {
    const NAME_WIDTH: usize = 11;
    const WIDTH: usize = 100;
    let indent = " ".repeat(NAME_WIDTH + 4);
    let options = textwrap::Options::new(WIDTH).subsequent_indent(&indent);
    textwrap::fill(&format!("  {name:NAME_WIDTH$}  {about}"), options) + "\n"
}
