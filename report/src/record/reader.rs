//! Reading a record back, however the race that wrote it ended.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use thiserror::Error;

use super::{FILE_NAME, FORMAT, Header, Latencies, Line, MemoryMethod, Run};

/// The oldest format that is read.
const OLDEST: u64 = 1;

/// A record as read back.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What was asked, and where.
    pub header: Header,
    /// The runs that finished, in the order in which they ran.
    pub runs: Vec<Run>,
    /// The last line was cut short: the writer was stopped in the middle of it.
    pub truncated: bool,
}

/// Why a record could not be read.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The file could not be opened or read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is not a record, or a line of it is broken.
    #[error("{path}, line {line}: not a record of Inflight ({reason})")]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// It was written by a newer Inflight.
    #[error("{path} has format {found}, this version reads up to {FORMAT}: use a newer inflight")]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format it has.
        found: u64,
    },
}

impl Record {
    /// Reads the record at `path`: its file, or the folder that holds a [`FILE_NAME`]. The file may be compressed by
    /// gzip, and then has `.gz` behind its name in a folder.
    ///
    /// A last line without its end is what a killed race leaves: it is left out, and
    /// [`Record::truncated`] says so.
    ///
    /// # Errors
    /// Where the file cannot be read, is not a record, has a broken line, or has a newer format.
    pub fn read(path: &Path) -> Result<Record, RecordError> {
        let mut path = path.to_owned();
        if path.is_dir() {
            path.push(FILE_NAME);
            let compressed = path.with_added_extension("gz");
            path = if !path.exists() && compressed.exists() { compressed } else { path };
        }
        match std::fs::read(&path).and_then(decompressed) {
            Err(source) => Err(RecordError::Read { path, source }),
            Ok(bytes) => Record::parse(&path, &bytes),
        }
    }

    /// Reads `bytes` as the record that is at `path`.
    pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Record, RecordError> {
        let path = path.to_owned();
        parse(bytes).map_err(|refusal| match refusal {
            Refusal::Broken { line, reason } => RecordError::Broken { path, line, reason },
            Refusal::Newer { found } => RecordError::Newer { path, found },
        })
    }

    /// Leaves the contenders of these names, in the order of the record, with their runs and their twins.
    ///
    /// # Errors
    /// Where the record has no contender of one of the names; it is unchanged then.
    pub fn keep_only(&mut self, names: &[String]) -> Result<(), UnknownContender> {
        let contenders = &mut self.header.contenders;
        // An A/A control belongs to its contender, and is not chosen by itself.
        let known =
            || contenders.iter().filter(|facts| facts.control_of.is_none()).map(|facts| facts.name.as_str());
        if let Some(name) = names.iter().find(|name| !known().any(|known| known == **name)) {
            let known: Vec<&str> = known().collect();
            return Err(UnknownContender { name: name.clone(), known: known.join(", ") });
        }
        contenders.retain(|contender| names.contains(contender.control_of.as_ref().unwrap_or(&contender.name)));
        self.runs.retain(|run| contenders.iter().any(|contender| contender.name == run.contender));
        Ok(())
    }
}

/// A contender was asked for that the record does not have.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("no contender {name:?} in this record; it has {known}")]
pub struct UnknownContender {
    /// As it was asked for.
    pub name: String,
    /// Those it has.
    pub known: String,
}

/// A [`RecordError`] that does not know its file yet.
enum Refusal {
    Broken { line: usize, reason: String },
    Newer { found: u64 },
}

fn parse(bytes: &[u8]) -> Result<Record, Refusal> {
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').zip(1..);
    let header = match lines.next() {
        Some((first, _)) => parse_header(first)?,
        None => return broken(1, "the file is empty"),
    };
    let mut record = Record { header, runs: Vec::new(), truncated: false };
    for (bytes, line) in lines {
        match serde_json::from_slice::<Line<Header, Box<Run>>>(bytes) {
            Ok(Line::Run(mut run)) => match run.flaw(&record.header) {
                None => {
                    bring_up_to_date(&mut run, record.header.format);
                    record.runs.push(*run);
                }
                Some(flaw) => return broken(line, flaw),
            },
            Ok(Line::Header(_)) => return broken(line, "a second header"),
            // Only the last line of a file can lack its end.
            Err(_) if !bytes.ends_with(b"\n") => record.truncated = true,
            Err(error) => return broken(line, in_short(&error)),
        }
    }
    Ok(record)
}

/// Says in the words of this format what a run was saved with in those of an older one.
fn bring_up_to_date(run: &mut Run, format: u32) {
    if format < 2 {
        run.latencies = Latencies::of(&run.samples);
    }
    if format < 3 {
        correct(run);
    }
}

/// What older records hold for a figure that they do not have, or have less exactly: zeros for the latencies of a
/// run in which no request succeeded, the end of a bucket for the largest latency, and a high-water mark since
/// the program was started.
fn correct(run: &mut Run) {
    let Some(figures) = &mut run.figures else { return };
    if figures.peak_memory_method == MemoryMethod::HighWaterMark {
        figures.peak_memory_method = MemoryMethod::HighWaterMarkSinceStart;
    }
    for (histogram, points) in [
        (&mut run.latencies.whole, &mut figures.latency_ns),
        (&mut run.latencies.added, &mut figures.added_latency_ns),
    ] {
        *points = points.filter(|_| histogram.count() > 0);
        if let Some(points) = points {
            histogram.end_at(points.max.max(0).cast_unsigned());
        }
    }
}

/// Looks at the format before anything else: what else a newer header holds is not known here.
fn parse_header(bytes: &[u8]) -> Result<Header, Refusal> {
    #[derive(Deserialize)]
    struct AnyLine {
        header: AnyHeader,
    }
    #[derive(Deserialize)]
    struct AnyHeader {
        format: u64,
    }

    let any: AnyLine = match serde_json::from_slice(bytes) {
        Ok(any) => any,
        Err(error) => return broken(1, in_short(&error)),
    };
    let found = any.header.format;
    if found > u64::from(FORMAT) {
        return Err(Refusal::Newer { found });
    }
    if found < OLDEST {
        return broken(1, format!("there is no format {found}"));
    }
    match serde_json::from_slice::<Line<Header, Box<Run>>>(bytes) {
        Ok(Line::Header(header)) => match header.flaw() {
            None => Ok(header),
            Some(flaw) => broken(1, flaw),
        },
        Ok(Line::Run(_)) => broken(1, "a run before the header"),
        Err(error) => broken(1, in_short(&error)),
    }
}

fn broken<T>(line: usize, reason: impl Into<String>) -> Result<T, Refusal> {
    let reason = reason.into();
    Err(Refusal::Broken { line, reason })
}

/// The parser's words without its own "at line 1": it was given one line and knows of no other.
fn in_short(error: &serde_json::Error) -> String {
    let words = error.to_string();
    words.split(" at line ").next().unwrap_or_default().to_owned()
}

/// What gzip compressed, recognised by its first two bytes (RFC 1952, section 2.3.1); all else as it is.
fn decompressed(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    const MAGIC: [u8; 2] = [0x1f, 0x8b];
    if !bytes.starts_with(&MAGIC) {
        return Ok(bytes);
    }
    let mut text = Vec::new();
    MultiGzDecoder::new(&bytes[..]).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests;
