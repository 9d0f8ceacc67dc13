//! The page as a whole: what stands in it, and what never may.

use super::render;
use crate::comparison::Comparison;
use crate::example;
use crate::record::Record;

fn page(record: &Record) -> String {
    render(record, &Comparison::of(record))
}

#[test]
fn hostile_names_are_text_wherever_they_stand() {
    let page = page(&example::hostile_record());
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;:32"));
    assert!(!page.contains("<script>alert"));
    assert!(!page.contains("<img src=x>") && !page.contains("<b>bold") && !page.contains("<!-- inflight"));
    assert!(!page.contains(['\u{1b}', '\u{7}', '\u{202e}']), "nothing hides or steers");
    assert_eq!(page.matches("<script>").count(), 1);
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let page = page(&example::record());
    for word in ["src=\"http", "href=\"http", "url(", "@import", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn every_chart_has_its_figures_in_a_table() {
    let page = page(&example::record_with_common_client());
    for name in ["bars", "flights", "cost", "latency", "runs"] {
        let start = page.find(&format!("id=\"{name}\"")).unwrap_or_else(|| panic!("no {name}"));
        let section = &page[start..start + page[start..].find("</section>").unwrap()];
        assert!(section.contains("role=\"img\""), "{name}");
        assert!(section.contains("<table"), "{name}");
    }
}

#[test]
fn ids_stand_once() {
    let page = page(&example::record());
    let mut ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn a_page_of_many_contenders_stays_small() {
    for (contenders, most_bytes) in [(3, 400_000), (20, 1_500_000), (60, 3_000_000)] {
        let page = page(&example::record_of_many(contenders));
        assert!(page.len() < most_bytes, "{contenders} contenders: {} bytes", page.len());
        assert!(page.matches("class=\"mark\"").count() > contenders as usize * 4);
    }
}

#[test]
fn a_record_without_a_valid_run_has_a_page() {
    let mut record = example::record();
    record.runs.retain(|run| !run.verdict.is_valid());
    assert!(page(&record).contains("No contender has a valid run"));
    record.runs.clear();
    assert!(page(&record).contains("there is nothing to compare"));
}
