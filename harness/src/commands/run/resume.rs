//! Going on with a race that was stopped: what its record says of it, and whether this is still that race.

use std::io;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use clap::Parser;
use inflight_report::record::{FILE_NAME, Header, Record, Writer};
use serde_json::Value;

use super::Args;
use crate::commands::{Cli, Command};

/// What may differ between the race that was and the one that goes on with it.
const OF_NO_MATTER: [&str; 2] = ["command", "started_at"];

/// The record in `folder`, what it holds, and a writer that appends to it.
pub(super) fn open(folder: &Path) -> Result<(Writer, Record)> {
    let path = folder.join(FILE_NAME);
    Writer::reopen(&path).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => anyhow!("the race in {} is still under way", folder.display()),
        io::ErrorKind::InvalidData => anyhow!("{error}"),
        _ => anyhow!("cannot go on with {}: {error}", path.display()),
    })
}

/// The arguments that the race was begun with. The command line of another version may mean something
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
        _ => bail!("the record's command line is no race: {}", header.command),
    }
}

/// Refuses to go on where machine, versions, scenario, contenders or their order are not what they were.
pub(super) fn refuse_changes(was: &Header, is: &Header) -> Result<()> {
    match difference(&plain(was)?, &plain(is)?, "") {
        Some(difference) => bail!("this is not the race that was stopped: {difference}; begin a new one"),
        None => Ok(()),
    }
}

/// What is read back of a header, so that both have gone the same way.
fn plain(header: &Header) -> Result<Value> {
    let mut plain: Value = serde_json::from_str(&serde_json::to_string(header)?)?;
    let fields = plain.as_object_mut().context("a header is an object")?;
    OF_NO_MATTER.iter().for_each(|field| drop(fields.remove(*field)));
    Ok(plain)
}

/// The first value that differs, with its place.
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
    fn the_first_value_that_differs_is_told_with_its_place() {
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
