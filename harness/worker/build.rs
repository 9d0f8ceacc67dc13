//! Hands the versions of the compared libraries, as Cargo.lock has them, to the code as `VERSION_name`.

use std::path::Path;
use std::{env, fs};

const COMPARED: [&str; 9] =
    ["async-std", "compio", "hyper", "may", "rayon", "reqwest", "smol", "tokio", "ureq"];

fn main() {
    // Asked for now and not when this was compiled: a checkout may be moved with what was built in it.
    let folder = env::var("CARGO_MANIFEST_DIR").expect("cargo says where the package is");
    let lock = Path::new(&folder).join("../../Cargo.lock");
    println!("cargo::rerun-if-changed={}", lock.display());
    let lock = fs::read_to_string(lock).expect("the workspace has a Cargo.lock once cargo runs");
    let lines: Vec<&str> = lock.lines().collect();
    for name in COMPARED {
        let heading = format!("name = \"{name}\"");
        let version = lines
            .windows(2)
            .find(|pair| pair[0] == heading)
            .and_then(|pair| pair[1].strip_prefix("version = \"")?.strip_suffix('"'))
            .unwrap_or_else(|| panic!("{name} is not in Cargo.lock"));
        println!("cargo::rustc-env=VERSION_{name}={version}");
    }
}
