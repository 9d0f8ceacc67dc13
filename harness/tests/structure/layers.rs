//! The order of modules, held by a test: no crate has a circle of modules, and a folder of the harness uses only
//! folders below it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex_lite::Regex;

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
#[derive(Debug)]
struct Use {
    #[expect(dead_code, reason = "printed where a test fails")]
    file: String,
    from: String,
    to: String,
}

#[test]
fn no_crate_has_a_circle_of_modules() {
    for name in ["mock-target", "harness/worker", "harness", "report"] {
        let uses = uses(name);
        assert!(!uses.is_empty(), "{name} uses no module of its own: is this test broken?");
        let circles = in_circles(&uses);
        assert!(circles.is_empty(), "{name} has a circle of modules: {circles:#?}");
    }
}

#[test]
fn folders_of_the_harness_use_only_those_below() {
    let layer = |module: &str| {
        let found = LAYERS.iter().position(|layer| *layer == module);
        found.unwrap_or_else(|| panic!("the module {module} is in no layer: add it to LAYERS"))
    };
    let mut wrong = uses("harness");
    wrong.retain(|used| layer(&used.to) >= layer(&used.from));
    assert!(wrong.is_empty(), "modules are used from below: {wrong:#?}");
}

/// The uses that are part of a circle: from the module that is used, the one that uses it can be reached.
fn in_circles(uses: &[Use]) -> Vec<&Use> {
    uses.iter().filter(|used| reachable(&used.to, uses).contains(used.from.as_str())).collect()
}

/// The modules that `module` uses, directly or through others, and itself.
fn reachable<'a>(module: &'a str, uses: &'a [Use]) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::from([module]);
    loop {
        let further = uses
            .iter()
            .find(|used| reached.contains(used.from.as_str()) && !reached.contains(used.to.as_str()));
        let Some(further) = further else { return reached };
        reached.insert(&further.to);
    }
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
        name.chars().all(is_of_a_name).then(|| folder.join(name))
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
    let is_path = |at: usize| !code[..at].ends_with(|c: char| is_of_a_name(c) || c == ':');
    let starts = code.match_indices(prefix).map(|(at, _)| at).filter(|at| is_path(*at));
    let statements = starts.filter_map(|at| code[at + prefix.len()..].split(';').next());
    let first = |item: String| item.split(|c: char| !is_of_a_name(c)).next().unwrap_or_default().to_owned();
    statements.flat_map(items).map(first).filter(|name| !name.is_empty()).collect()
}

/// The names that a crate's root exports from its modules, each with its module.
fn exports(code: &str) -> BTreeMap<String, String> {
    let mut exports = BTreeMap::new();
    for statement in code.split("use ").skip(1) {
        let Some((statement, _)) = statement.split_once(';') else { continue };
        let Some((module, rest)) = statement.split_once("::") else { continue };
        for item in items(rest) {
            let name = item.rsplit("::").next().unwrap_or_default().rsplit(" as ").next().unwrap_or_default();
            exports.insert(name.to_owned(), module.trim().to_owned());
        }
    }
    exports
}

/// The items of a group in braces, without the groups in them; or the one item that there is.
fn items(text: &str) -> Vec<String> {
    let Some(group) = text.strip_prefix('{') else { return vec![text.to_owned()] };
    let inner_group = Regex::new(r"::\{[^{}]*\}").unwrap();
    let mut group = group.to_owned();
    while inner_group.is_match(&group) {
        group = inner_group.replace_all(&group, "").into_owned();
    }
    group.trim_end_matches('}').split(',').map(|item| item.trim().to_owned()).collect()
}

fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
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
    assert!(in_circles(&[used("a", "b"), used("b", "c"), used("a", "c")]).is_empty());
    let uses = [used("a", "b"), used("b", "c"), used("c", "b")];
    assert!(in_circles(&uses).iter().map(|step| step.from.as_str()).eq(["b", "c"]));
}
