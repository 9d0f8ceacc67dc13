//! Style rules as tests: model files are short lessons, models are named nowhere else, and modules keep their order.

mod layers;

use std::fs;
use std::path::{Path, PathBuf};

use inflight::models::MODELS;

const MAX_LESSON_LINES: usize = 90;

fn crate_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// The model files with their contents.
fn lessons() -> impl Iterator<Item = (PathBuf, String)> {
    let folder = crate_folder("harness/worker/src/models");
    sources(&folder).into_iter().filter(|(path, _)| !path.ends_with("mod.rs"))
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found.sort();
    found
}

#[test]
fn every_model_file_is_listed_under_its_name() {
    let mut files: Vec<String> =
        lessons().map(|(path, _)| path.file_stem().unwrap().to_str().unwrap().replace('_', "-")).collect();
    let mut models: Vec<&str> = MODELS.iter().map(|model| model.name).collect();
    files.sort_unstable();
    models.sort_unstable();
    assert_eq!(files, models);
}

#[test]
fn model_files_begin_with_a_sentence_and_are_short() {
    for (path, text) in lessons() {
        let path = path.display();
        let summary: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//! ")).collect();
        assert!(
            summary.last().is_some_and(|line| line.ends_with('.')),
            "{path} does not begin with a sentence"
        );
        let lines = text.lines().count();
        assert!(lines <= MAX_LESSON_LINES, "{path} has {lines} lines, more than {MAX_LESSON_LINES}");
    }
}

#[test]
fn every_model_has_about_and_details() {
    for model in MODELS {
        assert!(!model.about.is_empty() && !model.about.ends_with('.'), "{}", model.name);
        assert!(model.details.ends_with('.'), "{}", model.name);
        assert!(!model.clients.is_empty(), "{}", model.name);
        assert!(model.clients.iter().all(|client| client.details.ends_with('.')), "{}", model.name);
    }
}

#[test]
fn contributing_shows_the_smallest_model() {
    let document = fs::read_to_string(crate_folder("CONTRIBUTING.md")).unwrap();
    let shown =
        document.split("+++ b/harness/worker/src/models/sync.rs\n").nth(1).expect("the diff is there");
    let shown: String =
        shown.lines().map_while(|line| line.strip_prefix('+')).map(|l| l.to_owned() + "\n").collect();
    let smallest = lessons().min_by_key(|(_, text)| text.lines().count()).unwrap();
    assert!(smallest.0.ends_with("sync.rs"), "{} is smaller", smallest.0.display());
    assert_eq!(shown, smallest.1);
}

/// Names of models are data. Code that contains one would have to change with the list, so no code outside the models
/// may contain one as a string or in a contender. Tests may, and names of crates are allowed.
#[test]
fn no_model_is_named_outside_the_models() {
    let folders = ["harness/src", "harness/worker/src", "report/src"].map(crate_folder);
    for (path, text) in folders.iter().flat_map(|folder| sources(folder)) {
        if path.components().any(|part| part.as_os_str() == "models") || is_test(&path) {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for model in MODELS {
            let quoted = format!("\"{}\"", model.name);
            assert!(!code.contains(&quoted), "{} names the model {quoted}", path.display());
            for (at, name) in code.match_indices(model.name) {
                let before = code[..at].chars().next_back().unwrap_or(' ');
                let shape =
                    code[at + name.len()..].strip_prefix([':', '+']).and_then(|rest| rest.chars().next());
                let contender =
                    !before.is_alphanumeric() && shape.is_some_and(|c| c.is_ascii_digit() || c == 'c');
                assert!(!contender, "{} names a contender of the model {name}", path.display());
            }
        }
    }
}

/// Whether the file is a module for tests only.
fn is_test(path: &Path) -> bool {
    let in_tests = path.parent().is_some_and(|folder| folder.ends_with("tests"));
    in_tests || path.ends_with("tests.rs") || path.ends_with("example.rs")
}
