//! The page on the screen: written to a file, and opened where there is somebody to look at it.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::Result;

use super::output::write_whole;

/// The page's file within the folder of a record.
const FILE_NAME: &str = "report.html";

/// Writes `html` beside the record at `record`, or into the folder for temporary files where that cannot be
/// written to, opens it in the browser where there is one, and says where it is.
pub(super) fn open(html: &str, record: &Path) -> Result<ExitCode> {
    let path = write(html, record)?;
    let opened = if show(&path) { "Opened " } else { "" };
    super::print(&format!("{opened}{}\n", path.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn write(html: &str, record: &Path) -> Result<PathBuf> {
    let folder = if record.is_dir() { record } else { record.parent().unwrap_or(Path::new(".")) };
    let path = folder.join(FILE_NAME);
    if write_whole(&path, html).is_ok() {
        return Ok(path);
    }
    let path = std::env::temp_dir().join(format!("inflight-{FILE_NAME}"));
    write_whole(&path, html)?;
    Ok(path)
}

/// Whether the desktop took it. Without a screen there is nobody to show it to.
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
