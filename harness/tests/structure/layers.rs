//! The order of modules, held by a test: no crate has a circle of modules, and a folder of the harness uses only
//! folders below it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{crate_folder, sources};

/// The top-level modules of the harness from the lowest to the highest. Each uses only those before it.
const LAYERS: [&str; 10] = [
    "toml_error",
    "process",
    "meter",
    "machine",
    "workload",
    "contender",
    "verdict",
    "runner",
    "gate",
    "commands",
];

/// One use of a top-level module of the same crate by another.
struct Use {
    file: String,
    from: String,
    to: String,
}

#[test]
fn no_crate_has_a_circle_of_modules() {
    for name in ["mock-target", "harness/worker", "harness", "report"] {
        let uses = uses(name);
        assert!(!uses.is_empty(), "{name} uses no module of its own: is this test broken?");
        if let Some(circle) = circle(&uses) {
            let steps: Vec<String> =
                circle.iter().map(|step| format!("{}: {} uses {}", step.file, step.from, step.to)).collect();
            panic!("{name} has a circle of modules:\n{}", steps.join("\n"));
        }
    }
}

#[test]
fn folders_of_the_harness_use_only_those_below() {
    let layer = |module: &str| {
        let found = LAYERS.iter().position(|layer| *layer == module);
        found.unwrap_or_else(|| panic!("the module {module} is in no layer: add it to LAYERS"))
    };
    let wrong: Vec<String> = uses("harness")
        .iter()
        .filter(|used| layer(&used.to) >= layer(&used.from))
        .map(|used| format!("{}: {} is below {} and uses it", used.file, used.from, used.to))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A circle of uses, if there is one.
fn circle(uses: &[Use]) -> Option<Vec<&Use>> {
    let mut by_module: BTreeMap<&str, Vec<&Use>> = BTreeMap::new();
    for used in uses {
        by_module.entry(&used.from).or_default().push(used);
    }
    let mut done = BTreeSet::new();
    by_module
        .keys()
        .copied()
        .find_map(|module| circle_through(module, &by_module, &mut Vec::new(), &mut done))
}

/// Follows the uses of `module`, depth first; `path` leads to it.
fn circle_through<'a>(
    module: &'a str,
    by_module: &BTreeMap<&'a str, Vec<&'a Use>>,
    path: &mut Vec<&'a Use>,
    done: &mut BTreeSet<&'a str>,
) -> Option<Vec<&'a Use>> {
    if let Some(start) = path.iter().position(|step| step.from == module) {
        return Some(path[start..].to_vec());
    }
    if done.contains(module) {
        return None;
    }
    for used in by_module.get(module).into_iter().flatten().copied() {
        path.push(used);
        let found = circle_through(&used.to, by_module, path, done);
        path.pop();
        if found.is_some() {
            return found;
        }
    }
    done.insert(module);
    None
}

/// All uses of top-level modules by others in a crate, tests left out.
fn uses(name: &str) -> Vec<Use> {
    let root = crate_folder(name).join("src");
    let base = root.ancestors().nth(2).expect("a crate is in a folder");
    let files = sources(&root);
    let modules: BTreeSet<String> =
        files.iter().filter_map(|(path, _)| top_level(path, &root)).map(|(module, _)| module).collect();
    let tests: Vec<PathBuf> = files.iter().flat_map(|(path, text)| test_modules(path, text)).collect();
    let library = files.iter().find(|(path, _)| path.ends_with("src/lib.rs")).expect("a crate has a lib.rs");
    let exports = exports(&code(&library.1));
    let mut uses = Vec::new();
    for (path, text) in &files {
        let Some((from, is_root_of_module)) = top_level(path, &root) else { continue };
        if tests.iter().any(|test| path.with_extension("").starts_with(test)) {
            continue;
        }
        let code = code(text);
        let mut names = names_after(&code, "crate::");
        if is_root_of_module {
            names.extend(names_after(&code, "super::"));
        }
        for name in names {
            let to = if modules.contains(&name) { Some(&name) } else { exports.get(&name) };
            if let Some(to) = to.filter(|to| **to != from && modules.contains(*to)) {
                let file = path.strip_prefix(base).unwrap_or(path).display().to_string();
                uses.push(Use { file, from: from.clone(), to: to.clone() });
            }
        }
    }
    uses
}

/// The top-level module that a file belongs to, and whether it is the root of it; `None` for the crate's own root.
fn top_level(path: &Path, root: &Path) -> Option<(String, bool)> {
    let inside = path.strip_prefix(root).ok()?;
    let first = inside.components().next()?.as_os_str().to_str()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    let is_root_of_module = first.ends_with(".rs") || inside == Path::new(first).join("mod.rs");
    (!["lib", "main", "bin"].contains(&name)).then(|| (name.to_owned(), is_root_of_module))
}

/// The files of modules that `text` declares for tests alone, without extension.
fn test_modules(path: &Path, text: &str) -> Vec<PathBuf> {
    let folder = match path.file_name().and_then(|name| name.to_str()) {
        Some("mod.rs" | "lib.rs" | "main.rs") => path.parent().unwrap_or(path).to_owned(),
        _ => path.with_extension(""),
    };
    let declared = text.split("#[cfg(test)]").skip(1).filter_map(|after| {
        let (name, _) =
            after.trim_start().trim_start_matches("pub(crate) ").strip_prefix("mod ")?.split_once(';')?;
        is_name(name).then(|| folder.join(name))
    });
    declared.collect()
}

/// The code of a file without comments and without its tests at the end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n").collect()
}

/// The first name after each `prefix` in `code`: of `crate::a::b` it is `a`, of `crate::{a, b::c}` they are `a` and `b`.
fn names_after(code: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        names.extend(items(&code[at + prefix.len()..]).iter().map(|item| first_name(item)));
    }
    names.retain(|name| is_name(name));
    names
}

/// The names that a crate's root exports from its modules, each with its module.
fn exports(code: &str) -> BTreeMap<String, String> {
    let mut exports = BTreeMap::new();
    for statement in code.split("use ").skip(1) {
        let Some((statement, _)) = statement.split_once(';') else { continue };
        let Some((module, rest)) = statement.split_once("::") else { continue };
        for item in items(rest) {
            let last = item.rsplit("::").next().unwrap_or_default();
            let name = last.rsplit(" as ").next().unwrap_or_default().trim();
            exports.insert(name.to_owned(), module.trim().to_owned());
        }
    }
    exports
}

/// What stands at the beginning of `text`: the items of a group in braces, or the one item that there is.
fn items(text: &str) -> Vec<&str> {
    let Some(group) = text.strip_prefix('{') else { return vec![text] };
    let (mut items, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' => {
                items.push(&group[start..at]);
                break;
            }
            ',' if depth == 0 => {
                items.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

fn first_name(item: &str) -> String {
    item.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

#[test]
fn groups_and_single_paths_are_read() {
    let code = "use crate::{a, b::c, d::{e, f}};\nuse crate::g::H;\nlet x = crate::i::j();\nuse mycrate::k;";
    assert_eq!(names_after(code, "crate::"), ["a", "b", "d", "g", "i"]);
    let exported = exports("pub use a::B;\npub use c::{D, e::F, g as h};\n");
    let expected = [("B", "a"), ("D", "c"), ("F", "c"), ("h", "c")];
    assert!(exported.iter().map(|(name, module)| (name.as_str(), module.as_str())).eq(expected));
}

#[test]
fn circles_are_found() {
    let used = |from: &str, to: &str| Use { file: String::new(), from: from.to_owned(), to: to.to_owned() };
    assert!(circle(&[used("a", "b"), used("b", "c"), used("a", "c")]).is_none());
    let uses = [used("a", "b"), used("b", "c"), used("c", "b")];
    let found: Vec<&str> = circle(&uses).unwrap().iter().map(|step| step.from.as_str()).collect();
    assert_eq!(found, ["b", "c"]);
}
