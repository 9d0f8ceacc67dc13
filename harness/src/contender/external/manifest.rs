//! `contender.toml`, parsed and checked: every mistake is one line with its key.

use anyhow::{Context, Result, ensure};
use regex_lite::Regex;
use serde::Deserialize;

use crate::models::MODELS;
use crate::toml_error;
use crate::workload::Shape;

/// A row of the published table is one of so many.
const ARTICLE_ROWS: std::ops::RangeInclusive<usize> = 1..=4;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) language: String,
    pub(super) probe: Probe,
    #[serde(default)]
    pub(super) setup: Vec<Step>,
    pub(super) contender: Vec<Entry>,
}

/// A command whose output identifies what would be measured.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Probe {
    pub(super) command: Vec<String>,
    pattern: String,
}

/// One step of setting up.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// What it does, in a few words.
    pub(super) about: String,
    pub(super) command: Vec<String>,
}

/// One contender.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) details: String,
    pub(super) command: Vec<String>,
    shapes: Vec<String>,
    pub(super) max_in_flight: Option<u32>,
    #[serde(default)]
    pub(super) own_processes: bool,
    #[serde(default)]
    pub(super) rate: bool,
    pub(super) article_row: Option<usize>,
}

impl Manifest {
    /// Reads the file's `text`. Errors are one line, without the file's name.
    pub(super) fn parse(text: &str) -> Result<Manifest> {
        let manifest: Manifest = toml::from_str(text).map_err(|error| toml_error::one_line(text, &error))?;
        manifest.check()?;
        Ok(manifest)
    }

    pub(super) fn pattern(&self) -> Result<Regex> {
        Regex::new(&self.probe.pattern)
            .with_context(|| format!("probe: pattern: `{}` is not a regular expression", self.probe.pattern))
    }

    fn check(&self) -> Result<()> {
        ensure!(!self.language.trim().is_empty(), "language: say which");
        check_command(&self.probe.command).context("probe: command")?;
        self.pattern()?;
        for step in &self.setup {
            check_command(&step.command).with_context(|| format!("setup `{}`: command", step.about))?;
        }
        ensure!(!self.contender.is_empty(), "contender: define at least one");
        for (at, entry) in self.contender.iter().enumerate() {
            entry.check().with_context(|| format!("contender `{}`", entry.name))?;
            let before = &self.contender[..at];
            ensure!(before.iter().all(|other| other.name != entry.name), "`{}` is defined twice", entry.name);
        }
        Ok(())
    }
}

impl Entry {
    fn check(&self) -> Result<()> {
        check_name(&self.name).context("name")?;
        check_command(&self.command).context("command")?;
        ensure!(self.max_in_flight != Some(0), "max_in_flight: at least 1");
        ensure!(!self.shapes.is_empty(), "shapes: name one at least, as in [\"128\"]");
        let most = self.max_in_flight.unwrap_or(u32::MAX);
        for text in &self.shapes {
            let shape: Shape = text.parse().context("shapes")?;
            ensure!(
                shape.in_flight <= most,
                "shapes: `{text}` has more in flight than max_in_flight, {most}"
            );
        }
        if let Some(row) = self.article_row {
            ensure!(ARTICLE_ROWS.contains(&row), "article_row: {row} is none: write 1, 2, 3 or 4");
        }
        Ok(())
    }

    /// Its shapes where none is given.
    pub(super) fn shapes(&self) -> Vec<Shape> {
        self.shapes.iter().filter_map(|text| text.parse().ok()).collect()
    }
}

fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    ensure!(
        name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain),
        "write it in small letters, digits and hyphens"
    );
    ensure!(MODELS.iter().all(|model| model.name != name), "a model has this name");
    Ok(())
}

/// A command names a program, and no unknown placeholder.
fn check_command(words: &[String]) -> Result<()> {
    ensure!(words.first().is_some_and(|program| !program.is_empty()), "it names no program");
    let placeholder = Regex::new(r"(^|[^$%])(\{[a-z]+\})").expect("the pattern is right");
    for found in words.iter().flat_map(|word| placeholder.captures_iter(word)) {
        let known = ["{here}", "{cache}"].contains(&&found[2]);
        ensure!(known, "{} is no placeholder: there are {{here}} and {{cache}}", &found[2]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        language = "L"
        probe = { command = ["l", "--version"], pattern = '^L \d' }
        [[setup]]
        about = "fetch"
        command = ["l", "get", "{cache}"]
        [[contender]]
        name = "l-x"
        about = "a"
        details = "d"
        command = ["l", "{here}/x.l"]
        shapes = ["1", "8x1"]
        max_in_flight = 1
        own_processes = true
        article_row = 4
    "#;

    #[test]
    fn valid_file_is_parsed() {
        let manifest = Manifest::parse(GOOD).unwrap();
        assert_eq!(manifest.contender[0].shapes()[1], Shape { processes: 8, in_flight: 1 });
        assert!(manifest.pattern().unwrap().is_match("L 3"));
    }

    #[test]
    fn every_mistake_is_one_line_with_its_key() {
        for (good, bad, expected) in [
            ("language = \"L\"", "", "missing field `language`"),
            ("language = \"L\"", "language = \" \"", "language: say which"),
            ("language = \"L\"", "language = 3", "line 2 (`language = 3`): invalid type: integer `3`"),
            ("max_in_flight", "max_in_fligt", "unknown field `max_in_fligt`"),
            ("max_in_flight = 1", "max_in_flight = 0", "contender `l-x`: max_in_flight: at least 1"),
            ("max_in_flight = 1", "max_in_flight = -1", "line 13 (`max_in_flight = -1`)"),
            ("\"8x1\"", "\"8x2\"", "contender `l-x`: shapes: `8x2` has more in flight"),
            ("\"8x1\"", "\"8x\"", "contender `l-x`: shapes: `8x` is not a concurrency"),
            ("[\"1\", \"8x1\"]", "[]", "contender `l-x`: shapes: name one"),
            ("article_row = 4", "article_row = 5", "contender `l-x`: article_row: 5"),
            ("name = \"l-x\"", "name = \"l:x\"", "contender `l:x`: name: write it in small letters"),
            ("name = \"l-x\"", "name = \"tokio\"", "contender `tokio`: name: a model has this name"),
            ("{here}", "{her}", "contender `l-x`: command: {her} is no placeholder"),
            ("[\"l\", \"{here}/x.l\"]", "[]", "contender `l-x`: command: it names no program"),
            ("{cache}", "{chace}", "setup `fetch`: command: {chace} is no placeholder"),
            ("'^L \\d'", "'('", "probe: pattern: `(` is not a regular expression"),
            ("about = \"a\"", "about = \"a", "line 9 (`about = \"a`)"),
        ] {
            assert!(GOOD.contains(good), "{good}");
            let error = Manifest::parse(&GOOD.replacen(good, bad, 1)).err().expect(expected);
            let line = format!("{error:#}");
            assert!(
                line.contains(expected) && !line.contains('\n'),
                "{line:?} does not contain {expected:?}"
            );
        }
    }

    #[test]
    fn braces_of_shells_and_formats_are_left_alone() {
        let words = ["sh", "-c", "echo ${x} %{time} {} {a,b}"].map(str::to_owned);
        check_command(&words).unwrap();
    }

    #[test]
    fn duplicate_name_is_refused() {
        let entry = &GOOD[GOOD.find("[[contender]]").unwrap()..];
        let error = Manifest::parse(&format!("{GOOD}{entry}")).err().unwrap();
        assert_eq!(error.to_string(), "`l-x` is defined twice");
    }
}
