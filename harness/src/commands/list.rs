//! `inflight list`: contenders, presets and faults.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use mock_target::Scenario;

use super::externals::Files;
use crate::contender::Source;
use crate::contender::catalogue::Catalogue;
use crate::contender::external::{External, Readiness};
use crate::models::{EXAMPLE, MODELS, NATIVE, Pairing};

/// List models, clients and presets
#[derive(clap::Args)]
pub(super) struct Args {
    /// Only the presets
    #[arg(long, conflicts_with_all = ["faults", "details"])]
    presets: bool,
    /// Fault types the target can inject
    #[arg(long, conflicts_with = "details")]
    faults: bool,
    /// Only the settings of a model and its client, with reasons; a shape may be left out
    #[arg(long, value_name = "CONTENDER")]
    details: Option<String>,
    #[command(flatten)]
    files: Files,
}

pub(super) fn list(args: &Args) -> Result<ExitCode> {
    super::print(&match (&args.details, args.presets, args.faults) {
        (Some(contender), ..) => details(&args.files.catalogue()?, contender)?,
        (_, true, _) => presets(),
        (_, _, true) => faults(),
        _ => models() + &externals(&args.files.catalogue()?) + "\nPresets\n" + &presets(),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn models() -> String {
    let mut text = format!(
        "Contenders are written MODEL:SHAPE or MODEL+CLIENT:SHAPE, such as {EXAMPLE}. A shape is the\n\
         number of requests in flight, 128, or processes x in flight in each, 8x64. Without a\n\
         client the first one shown is used.\n\nModels\n"
    );
    let width = MODELS.iter().map(|model| model.name.len()).max().unwrap_or(0);
    for model in MODELS {
        let most = model.max_in_flight.map(|most| format!("; at most {most} in flight")).unwrap_or_default();
        let clients: Vec<String> = model.clients.iter().map(named).collect();
        let (name, about, clients) = (model.name, model.about, clients.join(", "));
        text += &format!("  {name:width$}  {about}{most}\n  {:width$}  clients: {clients}\n", "");
    }
    text
}

/// A client by its name, and the library behind it where the name does not show it.
fn named(client: &Pairing) -> String {
    match client.name {
        NATIVE => format!("{NATIVE} ({})", client.version),
        name => name.to_owned(),
    }
}

fn externals(catalogue: &Catalogue) -> String {
    let mut text = String::new();
    let width = catalogue.externals().iter().map(|external| external.name.len()).max().unwrap_or(0);
    for bundle in catalogue.bundles() {
        let state = match bundle.readiness() {
            Readiness::Ready(version) => format!("ready: {version}"),
            Readiness::NothingToSetUp => "ready: nothing to set up".to_owned(),
            Readiness::Missing => format!("not set up: run `{}`", bundle.setup_command()),
        };
        text += &format!("\n{}: {state}\n", bundle.language);
        for external in catalogue.externals().iter().filter(|external| Arc::ptr_eq(&external.bundle, &bundle))
        {
            let shapes: Vec<String> = external.shapes.iter().map(ToString::to_string).collect();
            let External { name, about, .. } = &**external;
            text += &format!("  {name:width$}  {about}; concurrency: {}\n", shapes.join(", "));
        }
    }
    text
}

fn details(catalogue: &Catalogue, contender: &str) -> Result<String> {
    let (driven, shape) = contender.split_once(':').unwrap_or((contender, ""));
    let wrapped = |text: &str| textwrap::fill(text, 80);
    let source = catalogue.source(driven, shape)?;
    let no_rate =
        source.no_rate().map(|why| format!(" It does not support --rate: {why}.")).unwrap_or_default();
    Ok(match source {
        Source::Model(model, client) => format!(
            "{}: {}\n\n{}\n\nClient: {}\n\n{}\n",
            model.name,
            model.about,
            wrapped(&format!("{}{no_rate}", model.details)),
            client.version,
            wrapped(client.details)
        ),
        Source::External(external) => format!(
            "{}: {}\n\n{}\n\nStarted by: {}\n",
            external.name,
            external.about,
            wrapped(&format!("{}{no_rate}", external.details)),
            external.command_line()
        ),
    })
}

fn presets() -> String {
    Scenario::presets().iter().map(|preset| item(preset.name, preset.about)).collect()
}

fn faults() -> String {
    let names = mock_target::fault::ALL.iter().map(|fault| format!("  {fault}\n"));
    "Written NAME[@PARAMETER]=SHARE%[,until=ATTEMPT]; the parameters shown are the defaults.\n".to_owned()
        + &names.collect::<String>()
}

/// A name and its description, wrapped beside it.
fn item(name: &str, about: &str) -> String {
    const NAME_WIDTH: usize = 11;
    const WIDTH: usize = 100;
    let indent = " ".repeat(NAME_WIDTH + 4);
    let options = textwrap::Options::new(WIDTH).subsequent_indent(&indent);
    textwrap::fill(&format!("  {name:NAME_WIDTH$}  {about}"), options) + "\n"
}
