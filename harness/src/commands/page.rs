//! The page on the screen: written to a file, and opened where there is somebody to look at it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// The page's file within the folder of a record.
const FILE_NAME: &str = "report.html";

/// Writes `html` beside the record at `record`, or into the folder for temporary files where that cannot be
/// written to, opens it in the browser where there is one, and says where it is.
pub(super) fn open(html: &str, record: &Path) -> Result<()> {
    let path = write(html, record)?;
    if show(&path) {
        super::print(&format!("Opened {}\n", path.display()))
    } else {
        super::print(&format!("{}\n", path.display()))
    }
}

fn write(html: &str, record: &Path) -> Result<PathBuf> {
    let folder = if record.is_dir() { record } else { record.parent().unwrap_or(Path::new(".")) };
    let path = folder.join(FILE_NAME);
    if fs::write(&path, html).is_ok() {
        return Ok(path);
    }
    let path = std::env::temp_dir().join(format!("inflight-{FILE_NAME}"));
    fs::write(&path, html).with_context(|| format!("cannot write {}", path.display()))?;
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
