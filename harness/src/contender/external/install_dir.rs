//! The folders of a bundle: its own files, and the folder that it is set up in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use include_dir::Dir;
use ring::digest;

/// A folder with more bytes than this was not made for a bundle.
const LARGEST_FOLDER_BYTES: u64 = 64 << 20;

/// The folders of a bundle. What is set up is stored under a digest of the bundle's files, so that another bundle, or
/// another version of it, is never mistaken for it.
#[derive(Debug)]
pub(super) struct InstallDir {
    pub(super) name: String,
    /// The folder of the bundle's files.
    pub(super) here: PathBuf,
    /// The folder that it is set up in.
    pub(super) cache: PathBuf,
    /// The folder of all that is set up.
    pub(super) root: PathBuf,
    /// The files, where they come with the program.
    embedded: Option<&'static Dir<'static>>,
}

impl InstallDir {
    /// Of a folder that comes with the program.
    pub(super) fn embedded(folder: &'static Dir<'static>) -> InstallDir {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash_embedded(folder, &mut hash);
        let root = root(folder.path(), hash);
        InstallDir { here: root.join("files"), embedded: Some(folder), ..InstallDir::at(folder.path(), root) }
    }

    /// Of a user's own folder, by its absolute path. The files directly in it count, what is further
    /// below does not.
    pub(super) fn on_disk(folder: &Path) -> Result<InstallDir> {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash_files(folder, &mut hash).with_context(|| format!("cannot read {}", folder.display()))?;
        Ok(InstallDir { here: folder.to_owned(), ..InstallDir::at(folder, root(folder, hash)) })
    }

    fn at(folder: &Path, root: PathBuf) -> InstallDir {
        InstallDir {
            name: name_of(folder),
            here: PathBuf::new(),
            cache: root.join("cache"),
            embedded: None,
            root,
        }
    }

    /// A command with its placeholders filled in.
    pub(super) fn fill_in(&self, words: &[String]) -> Vec<String> {
        let (here, cache) = (self.here.display().to_string(), self.cache.display().to_string());
        words.iter().map(|word| word.replace("{here}", &here).replace("{cache}", &cache)).collect()
    }

    /// What the probe printed when the bundle was set up; nothing where it is not, or not to the end.
    pub(super) fn stamp(&self) -> Option<String> {
        fs::read_to_string(self.stamp_file()).ok()
    }

    /// Empties the folders. From here on the bundle is not set up, whatever happens.
    pub(super) fn clear(&self) -> io::Result<()> {
        unless_absent(fs::remove_file(self.stamp_file()))?;
        unless_absent(fs::remove_dir_all(&self.cache))?;
        fs::create_dir_all(&self.cache)?;
        if let Some(folder) = self.embedded {
            unless_absent(fs::remove_dir_all(&self.here))?;
            unpack(folder, folder.path(), &self.here)?;
        }
        Ok(())
    }

    /// Marks the bundle as set up, atomically.
    pub(super) fn set_stamp(&self, version: &str) -> io::Result<()> {
        let unfinished = self.root.join("ready.new");
        fs::write(&unfinished, version)?;
        fs::rename(unfinished, self.stamp_file())
    }

    fn stamp_file(&self) -> PathBuf {
        self.root.join("ready")
    }
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The folder of a bundle within the user's cache folder.
fn root(folder: &Path, mut hash: digest::Context) -> PathBuf {
    const DIGITS: usize = 16;
    hash.update(folder.as_os_str().as_encoded_bytes());
    let digest: String = hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    cache_folder().join("contenders").join(format!("{}-{}", name_of(folder), &digest[..DIGITS]))
}

/// `INFLIGHT_CACHE`, or where a user's programs keep what can be made again (XDG Base Directory
/// Specification, which has relative paths ignored).
pub(crate) fn cache_folder() -> PathBuf {
    let of_variable = |name| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some(folder) = of_variable("INFLIGHT_CACHE") {
        return std::path::absolute(&folder).unwrap_or(folder);
    }
    of_variable("XDG_CACHE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("inflight")
}

fn hash_one(name: &Path, contents: &[u8], hash: &mut digest::Context) {
    let name = name.as_os_str().as_encoded_bytes();
    for part in [name, contents] {
        hash.update(&part.len().to_le_bytes());
        hash.update(part);
    }
}

fn hash_embedded(folder: &Dir<'_>, hash: &mut digest::Context) {
    let mut files: Vec<_> = folder.files().collect();
    files.sort_by_key(|file| file.path());
    files.iter().for_each(|file| hash_one(file.path(), file.contents(), hash));
    let mut folders: Vec<_> = folder.dirs().collect();
    folders.sort_by_key(|folder| folder.path());
    folders.iter().for_each(|folder| hash_embedded(folder, hash));
}

fn hash_files(folder: &Path, hash: &mut digest::Context) -> Result<()> {
    let mut files = Vec::new();
    let mut total = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            total += path.metadata()?.len();
            files.push(path);
        }
    }
    ensure!(total <= LARGEST_FOLDER_BYTES, "it holds {total} bytes: give the contender a folder of its own");
    files.sort_unstable();
    for path in files {
        hash_one(&path, &fs::read(&path)?, hash);
    }
    Ok(())
}

fn unpack(folder: &Dir<'_>, base: &Path, to: &Path) -> io::Result<()> {
    let target = |path: &Path| to.join(path.strip_prefix(base).unwrap_or(path));
    fs::create_dir_all(target(folder.path()))?;
    for file in folder.files() {
        fs::write(target(file.path()), file.contents())?;
    }
    folder.dirs().try_for_each(|folder| unpack(folder, base, to))
}

fn unless_absent(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}
