//! Reads a record, also one whose benchmark was interrupted.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use thiserror::Error;

use super::{FILE_NAME, FORMAT, Header, Latencies, Line, MemoryMethod, Run};

/// A record read from disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The first line.
    pub header: Header,
    /// The runs that finished, in the order in which they ran.
    pub runs: Vec<Run>,
    /// Whether the last line is incomplete, since the writer was stopped in the middle of it.
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
    /// A killed run leaves an incomplete last line. It is left out, and [`Record::truncated`] is set.
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
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').zip(1..);
        let (first, _) = lines.next().ok_or_else(|| broken(path, 1, "the file is empty"))?;
        let mut record = Record { header: parse_header(path, first)?, runs: Vec::new(), truncated: false };
        for (bytes, line) in lines {
            match serde_json::from_slice::<Line<Header, Box<Run>>>(bytes) {
                Ok(Line::Run(mut run)) => {
                    if let Some(flaw) = run.flaw(&record.header) {
                        return Err(broken(path, line, flaw));
                    }
                    migrate(&mut run, record.header.format);
                    record.runs.push(*run);
                }
                Ok(Line::Header(_)) => return Err(broken(path, line, "a second header")),
                // Only the last line of a file can lack its end.
                Err(_) if !bytes.ends_with(b"\n") => record.truncated = true,
                Err(error) => return Err(broken(path, line, message(&error))),
            }
        }
        Ok(record)
    }

    /// Keeps the contenders of these names, in the order of the record, with their runs and A/A controls.
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
        contenders
            .retain(|contender| names.contains(contender.control_of.as_ref().unwrap_or(&contender.name)));
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

/// Converts a run of an older format to the current one. Before format 3 records hold zeros for the latencies of a run
/// in which no request succeeded, the end of a bucket for the largest latency, and a high-water mark since the start of
/// the program.
fn migrate(run: &mut Run, format: u32) {
    if format < 2 {
        run.latencies = Latencies::of(&run.samples);
    }
    let Some(figures) = run.figures.as_mut().filter(|_| format < 3) else { return };
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

/// Reads the format before anything else, since the other keys of a newer header are unknown.
fn parse_header(path: &Path, bytes: &[u8]) -> Result<Header, RecordError> {
    #[derive(Deserialize)]
    struct AnyLine {
        header: AnyHeader,
    }
    #[derive(Deserialize)]
    struct AnyHeader {
        format: u64,
    }

    let unreadable = |error| broken(path, 1, message(&error));
    let any: AnyLine = serde_json::from_slice(bytes).map_err(unreadable)?;
    let found = any.header.format;
    if found > u64::from(FORMAT) {
        return Err(RecordError::Newer { path: path.to_owned(), found });
    }
    if found == 0 {
        return Err(broken(path, 1, "there is no format 0"));
    }
    match serde_json::from_slice::<Line<Header, Box<Run>>>(bytes).map_err(unreadable)? {
        Line::Header(header) => match header.flaw() {
            None => Ok(header),
            Some(flaw) => Err(broken(path, 1, flaw)),
        },
        Line::Run(_) => Err(broken(path, 1, "a run before the header")),
    }
}

fn broken(path: &Path, line: usize, reason: impl Into<String>) -> RecordError {
    RecordError::Broken { path: path.to_owned(), line, reason: reason.into() }
}

/// The parser's message without its "at line 1", since it was given a single line.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
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
