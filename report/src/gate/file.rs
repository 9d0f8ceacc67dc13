//! A gate on disk: one file, written atomically and never changed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tempfile::Builder;
use thiserror::Error;

use super::{GATE_FORMAT, Gate};

/// Why a gate could not be read.
#[derive(Debug, Error)]
pub enum GateError {
    /// The file could not be opened or read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is not a gate.
    #[error("{path}: not a gate of Inflight ({reason})")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It was written by a newer Inflight.
    #[error(
        "{path} has format {found}, this version reads up to {GATE_FORMAT}: use the inflight that wrote it"
    )]
    OtherFormat {
        /// The file.
        path: PathBuf,
        /// The format it has.
        found: u32,
    },
}

/// Saves `gate` in `folder`, which is created where there is none, and returns the path. When this returns, the file is
/// on disk.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] where the same head was judged at the same second. Else the system's error, as on
/// a full disk: no incomplete file is left.
pub fn save(folder: &Path, gate: &Gate) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let digest: String = gate.head.digest.chars().take(12).collect();
    let path = folder.join(format!("{}-{digest}.json", gate.started_at.replace(':', "-")));
    let mut file = read_only(&mut Builder::new()).tempfile_in(folder)?;
    file.write_all(&serde_json::to_vec(gate)?)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist_noclobber(&path).map_err(|refused| refused.error)?;
    // The name is on disk when the folder is.
    File::open(folder)?.sync_all()?;
    Ok(path)
}

/// A read-only file, where the system supports that.
fn read_only<'a, 'b, 'c>(builder: &'a mut Builder<'b, 'c>) -> &'a mut Builder<'b, 'c> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o444));
    }
    builder
}

/// Reads the gate at `path`.
///
/// # Errors
/// Where it cannot be read, is not a gate, or has a newer format.
pub fn read(path: &Path) -> Result<Gate, GateError> {
    #[derive(Deserialize)]
    struct Format {
        gate_format: u32,
    }

    let path = || path.to_owned();
    let text = fs::read_to_string(path()).map_err(|source| GateError::Read { path: path(), source })?;
    let broken = |reason: String| GateError::Broken { path: path(), reason };
    let Format { gate_format: found } =
        serde_json::from_str(&text).map_err(|error| broken(error.to_string()))?;
    if !(1..=GATE_FORMAT).contains(&found) {
        return Err(GateError::OtherFormat { path: path(), found });
    }
    let gate: Gate = serde_json::from_str(&text).map_err(|error| broken(error.to_string()))?;
    let cells = gate.pairs.iter().map(|pair| pair.cell).chain(gate.counts.iter().map(|count| count.cell));
    if cells.max().is_some_and(|cell| cell >= gate.cells.len()) {
        return Err(broken("a pair or count belongs to no cell".to_owned()));
    }
    Ok(gate)
}

/// Reads every gate in `folder`, oldest first, and returns errors for other files. Hidden files are skipped: a running
/// or killed gate leaves one.
///
/// # Errors
/// Where the folder cannot be read.
pub fn read_all(folder: &Path) -> io::Result<(Vec<Gate>, Vec<GateError>)> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    let (mut gates, mut refused) = (Vec::new(), Vec::new());
    for path in paths {
        match read(&path) {
            Ok(gate) => gates.push(gate),
            Err(error) => refused.push(error),
        }
    }
    gates.sort_by(|a, b| a.started_at.cmp(&b.started_at));
    Ok((gates, refused))
}
