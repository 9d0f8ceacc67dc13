//! The page as a whole: what stands in it, and what never may.

use std::collections::BTreeSet;

use super::render;
use crate::comparison::Comparison;
use crate::example;
use crate::record::{RateFacts, Record};

fn page(record: &Record) -> String {
    render(record, &Comparison::of(record))
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
    assert_ids_stand_once(&page(&example::record()));
}

pub(super) fn assert_ids_stand_once(page: &str) {
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let different: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(different.len(), ids.len());
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

/// The section of the page that begins with this heading, up to the next.
fn below<'a>(page: &'a str, heading: &str) -> &'a str {
    let start = page.find(&format!("<h3>{heading}</h3>")).unwrap_or_else(|| panic!("no {heading}"));
    let rest = &page[start + 1..];
    &rest[..rest.find("<h3>").unwrap_or(rest.len())]
}

#[test]
fn the_ranking_is_copied_with_both_ends_of_its_intervals() {
    let page = page(&example::record_of_rounds(12));
    let ranking = below(&page, "Ranking");
    assert!(ranking.contains("data-key=\"times_the_first_low times_the_first_high\""), "{ranking}");
    assert!(ranking.contains("<th scope=\"row\">tokio:8x64</th>"), "{ranking}");
    assert!(!ranking.contains(">0.000<") && ranking.contains(">bound<"), "{ranking}");
    let few = self::page(&example::record());
    assert!(below(&few, "Ranking").contains(">min–max "));
}

#[test]
fn the_load_decides_which_figure_ranks() {
    let mut record = example::record();
    let ranking = |record: &Record| {
        let page = render(record, &Comparison::of(record));
        let keys = ["cpu_ns_per_request", "wall_ns"].map(|key| format!("data-key=\"{key}\""));
        let [by_cpu, by_wall] = keys.map(|key| below(&page, "Ranking").contains(&key));
        assert_ne!(by_cpu, by_wall);
        (by_cpu, page)
    };
    assert!(!ranking(&record).0);
    record.header.scenario.total_delay_ns = 0;
    assert!(ranking(&record).0);
    record = example::record();
    record.header.rate = Some(RateFacts { per_second: 400.0, poisson: false });
    let (by_cpu, page) = ranking(&record);
    assert!(by_cpu);
    assert!(
        page.contains("a contender that keeps up needs") && page.contains("from when the request was due")
    );
}

#[test]
fn a_table_has_what_its_notes_refer_to() {
    let page = page(&example::record_with_common_client());
    let common = below(&page, "All with one common client");
    for text in ["CPU ÷ base", ">2.00×<", "base: loop"] {
        assert!(common.contains(text), "{text}: {common}");
    }
    let mut record = example::record();
    record.header.references[0].rows[2].answered_by = vec!["tokio:128".to_owned()];
    let page = self::page(&record);
    let published = below(&page, "The article's own figures");
    for text in ["– here: tokio:128", "which were measured here on those delays"] {
        assert!(published.contains(text), "{text}: {published}");
    }
}

#[test]
fn a_truncated_text_is_copied_whole() {
    let mut record = example::record();
    let name = "n".repeat(300);
    record.runs.clear();
    record.header.contenders[0].name.clone_from(&name);
    let page = page(&record);
    assert!(page.contains(&format!("<th scope=\"row\" data-whole=\"{name}\">{}…</th>", &name[..240])));
}
