//! Writes files atomically.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};

/// Writes `text` to the file at `path`, atomically: other readers see the previous content until it is complete, and
/// it stays where writing fails. Something that is not a file, such as a pipe, is written directly.
pub(super) fn write_atomically(path: &Path, text: &str) -> Result<()> {
    replace(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// As [`write_atomically`], for a name that the user did not choose: a link of that name is replaced and not followed, since
/// in a shared folder another user may have put it there.
pub(super) fn write_own(path: &Path, text: &str) -> Result<()> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|there| there.is_symlink());
    let written = if is_link { create(path, text, None) } else { replace(path, text) };
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn replace(path: &Path, text: &str) -> Result<()> {
    // A link is kept: the file that it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let permissions = match fs::metadata(&path) {
        Ok(there) if !there.is_file() => return Ok(fs::write(&path, text)?),
        Ok(there) => Some(there.permissions()),
        Err(_) => None,
    };
    create(&path, text, permissions)
}

/// A new file in the place of whatever has its name.
fn create(path: &Path, text: &str, permissions: Option<Permissions>) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let new = Permissions::from_mode(0o666); // less what the user's umask takes
    let mut file = tempfile::Builder::new().permissions(new).tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn replaced_file_keeps_permissions_and_links() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        write_atomically(&file, "first").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();

        write_atomically(&link, "second").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "second");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left behind");
    }

    #[test]
    fn links_with_own_names_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (precious, link) = (folder.path().join("precious"), folder.path().join("report.html"));
        fs::write(&precious, "precious").unwrap();
        for to in [precious.as_path(), Path::new("nowhere"), Path::new("/dev/null")] {
            let _ = fs::remove_file(&link);
            symlink(to, &link).unwrap();
            write_own(&link, "page").unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_file());
            assert_eq!(fs::read_to_string(&link).unwrap(), "page");
        }
        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    }

    #[test]
    fn unwritable_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let refused = write_atomically(&folder.path().join("no/file"), "x").unwrap_err();
        assert!(refused.to_string().starts_with("cannot write ") && refused.to_string().ends_with("no/file"));
        assert!(write_atomically(folder.path(), "x").is_err());
        write_atomically(Path::new("/dev/null"), "x").unwrap();
    }
}
