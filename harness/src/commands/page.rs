//! `inflight report --open`: writes the page to a file, and opens it in a browser where there is one.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use super::output::write_own;

const FILE_NAME: &str = "report.html";

const NO_ROOM: &str = "cannot write the page, neither beside the record nor to a temporary file";

/// Writes `html` beside the record at `record`, or to a new file in the folder for temporary files where that cannot
/// be written to, opens it in the browser where there is one, and says where it is.
pub(super) fn open(html: &str, record: &Path) -> Result<ExitCode> {
    let path = write(html, record)?;
    let opened = if show(&path) { "Opened " } else { "" };
    super::print(&format!("{opened}{}\n", path.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn write(html: &str, record: &Path) -> Result<PathBuf> {
    let folder = if record.is_dir() { record } else { record.parent().unwrap_or(Path::new(".")) };
    let path = folder.join(FILE_NAME);
    if write_own(&path, html).is_ok() {
        return Ok(path);
    }
    let mut builder = tempfile::Builder::new();
    let mut file = builder.prefix("inflight-report-").suffix(".html").tempfile().context(NO_ROOM)?;
    file.write_all(html.as_bytes()).context(NO_ROOM)?;
    let (_, path) = file.keep().context(NO_ROOM)?;
    Ok(path)
}

/// Opens the page in the browser; whether that worked. Does nothing without a screen.
fn show(path: &Path) -> bool {
    let has_screen = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    (has_screen || cfg!(target_os = "macos"))
        && Command::new(opener)
            .arg(path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
}
