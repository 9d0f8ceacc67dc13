//! Resumes an interrupted race: reads its record, and checks that nothing has changed.

use std::io;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use clap::Parser;
use inflight_report::record::{FILE_NAME, Header, Record, Writer};
use serde_json::Value;

use super::Args;
use crate::commands::{Cli, Command};

/// Fields of the header that may differ between the race and its resumption.
const MAY_DIFFER: [&str; 2] = ["command", "started_at"];

/// The record in `folder`, what it holds, and a writer that appends to it.
pub(super) fn open(folder: &Path) -> Result<(Writer, Record)> {
    let path = folder.join(FILE_NAME);
    Writer::reopen(&path).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => anyhow!("the race in {} is still under way", folder.display()),
        io::ErrorKind::InvalidData => anyhow!("{error}"),
        _ => anyhow!("cannot resume {}: {error}", path.display()),
    })
}

/// The arguments of the interrupted race. The command line of another version may mean something
/// else.
pub(super) fn args(header: &Header) -> Result<Args> {
    let is = env!("CARGO_PKG_VERSION");
    if header.inflight_version != is {
        bail!("the race was begun by inflight {} and this is {is}: begin a new one", header.inflight_version);
    }
    let words = shlex::split(&header.command).context("cannot understand the record's command line")?;
    match Cli::try_parse_from(words).map(|cli| cli.command) {
        Ok(Some(Command::Run(args))) if args.resume.is_none() => Ok(args),
        Ok(None) => Ok(Args::default()),
        _ => bail!("the record's command line is not a race: {}", header.command),
    }
}

/// Fails where machine, versions, scenario, contenders or their order have changed.
pub(super) fn refuse_changes(was: &Header, is: &Header) -> Result<()> {
    match difference(&plain(was)?, &plain(is)?, "") {
        Some(difference) => bail!("this is not the interrupted race: {difference}; begin a new one"),
        None => Ok(()),
    }
}

/// A header as it is read back from JSON, so that both are comparable.
fn plain(header: &Header) -> Result<Value> {
    let mut plain: Value = serde_json::from_str(&serde_json::to_string(header)?)?;
    let fields = plain.as_object_mut().context("a header is an object")?;
    MAY_DIFFER.iter().for_each(|field| drop(fields.remove(*field)));
    Ok(plain)
}

/// The first value that differs, with its path.
fn difference(was: &Value, is: &Value, place: &str) -> Option<String> {
    let under = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    match (was, is) {
        (Value::Object(was), Value::Object(is)) => {
            let names = was.keys().chain(is.keys().filter(|name| !was.contains_key(*name)));
            names
                .filter_map(|name| {
                    let value = |fields: &serde_json::Map<String, Value>| fields.get(name).cloned();
                    let (was, is) = (value(was).unwrap_or_default(), value(is).unwrap_or_default());
                    difference(&was, &is, &under(name))
                })
                .next()
        }
        (Value::Array(was), Value::Array(is)) if was.len() == is.len() => {
            let pairs = was.iter().zip(is).enumerate();
            pairs.filter_map(|(index, (was, is))| difference(was, is, &under(&index.to_string()))).next()
        }
        (Value::Array(was), Value::Array(is)) => {
            Some(format!("{place} were {} and are {}", was.len(), is.len()))
        }
        _ => (was != is).then(|| format!("{place} was {was} and is {is}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn first_difference_is_reported_with_its_path() {
        let was = json!({"machine": {"kernel": "6.1", "cores": 2}, "contenders": [{"name": "a"}], "seed": 1});
        let with = |pointer: &str, value: Value| {
            let mut is = was.clone();
            *is.pointer_mut(pointer).unwrap() = value;
            difference(&was, &is, "")
        };
        assert_eq!(difference(&was, &was, ""), None);
        assert_eq!(
            with("/machine/kernel", json!("6.2")).unwrap(),
            r#"machine.kernel was "6.1" and is "6.2""#
        );
        assert_eq!(
            with("/contenders/0/name", json!("b")).unwrap(),
            r#"contenders.0.name was "a" and is "b""#
        );
        assert_eq!(with("/contenders", json!([])).unwrap(), "contenders were 1 and are 0");
        assert_eq!(with("/seed", Value::Null).unwrap(), "seed was 1 and is null");
    }
}
