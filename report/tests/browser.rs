//! The page of the committed reference record, opened in Chromium.
//!
//! It needs Debian's package `chromium`, Node, and once `npm ci` in `report/tests/browser`. Where they are
//! missing it says so and passes, unless `INFLIGHT_BROWSER` is set to anything.

use std::path::Path;
use std::process::Command;

use inflight_report::comparison::Comparison;
use inflight_report::page;
use inflight_report::record::Record;

#[test]
fn a_reader_sees_the_page_without_a_fault() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("tests/browser");
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    if !(folder.join("node_modules").is_dir() && Path::new(&chromium).exists()) {
        assert!(std::env::var_os("INFLIGHT_BROWSER").is_none(), "chromium or node_modules is missing");
        eprintln!("skipped: it needs chromium, and `npm ci` in {}", folder.display());
        return;
    }
    let record = Record::read(&root.join("../results/reference/article")).unwrap();
    let screenshots = std::env::temp_dir().join("inflight-page");
    std::fs::create_dir_all(&screenshots).unwrap();
    let file = screenshots.join("page.html");
    std::fs::write(&file, page::render(&record, &Comparison::of(&record))).unwrap();

    let output = Command::new("node")
        .arg(folder.join("look.mjs"))
        .args([&file, &screenshots])
        .output()
        .expect("node is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    eprintln!("screenshots are in {}", screenshots.display());
}
