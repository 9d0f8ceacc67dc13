//! Names that try to break out of a format, held against every format: a record may come from anybody.

use quick_xml::events::Event;
use quick_xml::reader::Reader;
use serde_json::Value;

use crate::charts;
use crate::comparison::{Comparison, Named};
use crate::example;
use crate::exports::github_benchmark::Direction;
use crate::exports::{bmf, csv, github_benchmark, hyperfine, json, junit};
use crate::gate;
use crate::history::{self, History};
use crate::page;
use crate::printable::printable;
use crate::record::Record;
use crate::splice;
use crate::tables::markdown::{self, Section, Tables};
use crate::tables::terminal::{self, Screen};

const NAMES: [&str; 12] = [
    "<script>alert(1)</script>",
    "a|b",
    "two\nlines\r\nand\u{2028}more",
    "\u{1b}[2J\u{7}\u{0}",
    "\u{202e}desrever",
    "\"quoted\", 'twice'",
    "=HYPERLINK(\"x\")",
    "]]></testcase><testcase>",
    "<!-- inflight:end t -->",
    "*_`[x](y)`_* ~~$#",
    "\\",
    "&amp;<![CDATA[",
];

/// A renderer, and what must hold of what it shows of a hostile name.
type Renderer = (&'static str, fn(&[Named]) -> String, fn(&str, &str));

const RENDERERS: [Renderer; 12] = [
    ("terminal", |records| terminal::render_all(records, PLAIN), stays_in_the_terminal),
    ("markdown", |records| section(records, Section::default()), stays_in_its_cell),
    ("brief", |records| section(records, Section { brief: true, ..Section::default() }), stays_in_its_cell),
    ("folded", |records| section(records, Section { folded: true, ..Section::default() }), stays_in_its_cell),
    (
        "native",
        |records| section(records, Section { tables: Tables::Native, ..Section::default() }),
        stays_in_its_cell,
    ),
    ("csv", |records| csv::render(records).replace("\r\n", "\n"), is_a_field),
    ("json", json::render, is_kept_in_json),
    ("bmf", |records| bmf::render(records).unwrap(), is_shown_in_json),
    ("github, smaller", |records| github(records, Direction::SmallerIsBetter), is_shown_in_json),
    ("github, bigger", |records| github(records, Direction::BiggerIsBetter), is_shown_in_json),
    ("hyperfine", |records| hyperfine::render(records).unwrap(), is_shown_in_json),
    ("junit", junit::render, is_an_attribute),
];

const PLAIN: Screen = Screen { width: 100, colours: false };

fn github(records: &[Named], direction: Direction) -> String {
    github_benchmark::render(records, direction).unwrap()
}

fn section(records: &[Named], section: Section) -> String {
    markdown::render_all(records, section).unwrap()
}

/// The example, with every text that comes from elsewhere replaced.
fn hostile(text: &str) -> Record {
    let mut record = example::short_record();
    let was = record.header.contenders[0].name.clone();
    text.clone_into(&mut record.header.contenders[0].name);
    for run in &mut record.runs {
        if run.contender == was {
            text.clone_into(&mut run.contender);
        }
        run.warnings = vec![text.to_owned()];
        text.clone_into(&mut run.runtime);
    }
    text.clone_into(&mut record.header.command);
    text.clone_into(&mut record.header.machine.cpu_model);
    text.clone_into(&mut record.header.started_at);
    text.clone_into(&mut record.header.scenario.latency);
    record.header.scenario.preset = Some(text.to_owned());
    text.clone_into(&mut record.header.references[0].rows[0].approach);
    text.clone_into(&mut record.header.references[0].source);
    record
}

#[test]
fn no_name_breaks_out_of_any_format() {
    let long = "n".repeat(200);
    for name in NAMES.iter().copied().chain([long.as_str()]) {
        let record = hostile(name);
        let records = [Named { record: name.to_owned(), comparison: Comparison::of(&record) }];
        for (renderer, render, check) in RENDERERS {
            let rendered = render(&records);
            assert!(renderer == "json" || !steers(&rendered), "{renderer} lets {name:?} steer: {rendered}");
            assert!(rendered.ends_with('\n'), "{renderer}");
            check(&rendered, name);
        }
        let [Named { comparison, .. }] = &records;
        is_shown_on_a_page(&page::render(&record, comparison), name);
        for drawn in charts::NAMES.iter().filter_map(|chart| charts::svg(chart, &record, comparison)) {
            is_no_markup(&drawn, name);
        }
    }
}

#[test]
fn no_name_breaks_out_of_a_history() {
    let gates = gate::example::gates(12);
    for name in NAMES {
        let mut gates = gates.clone();
        for gate in &mut gates {
            for text in [&mut gate.head.name, &mut gate.base.name, &mut gate.cells[0].contender] {
                name.clone_into(text);
            }
            name.clone_into(&mut gate.machine.cpu_model);
            name.clone_into(&mut gate.started_at);
        }
        let histories = History::all(&gates, None).unwrap();
        let markdown = history::table::markdown(&histories);
        stays_in_its_cell(&markdown, name);
        for text in [markdown, history::table::terminal(&histories, 100)] {
            assert!(!steers(&text), "{name:?}: {text}");
        }
        is_no_markup(&history::chart::svg(&histories), name);
        is_shown_on_a_page(&page::history::render(&histories), name);
    }
}

fn steers(rendered: &str) -> bool {
    rendered.contains(|char: char| (char.is_control() && char != '\n') || char == '\u{202e}')
}

fn is_no_markup(rendered: &str, name: &str) {
    assert!(!steers(rendered), "{name:?}: {rendered}");
    assert!(!(name.contains('<') && rendered.contains(name)), "{name:?}: {rendered}");
}

fn is_shown_on_a_page(rendered: &str, name: &str) {
    is_no_markup(rendered, name);
    assert_eq!(rendered.matches("<script>").count(), 1, "{name:?}");
    let shown = maud::html! { (printable(name)) }.into_string();
    assert!(rendered.contains(&shown), "{name:?}: {rendered}");
}

fn stays_in_the_terminal(rendered: &str, name: &str) {
    assert!(rendered.lines().all(|line| line.chars().count() <= PLAIN.width), "{name:?}: {rendered}");
    let shown: String = printable(name).chars().take(10).collect();
    assert!(rendered.lines().any(|line| line.starts_with(shown.trim_end())), "{name:?}: {rendered}");
}

/// Every line of a table has as many cells as the first, nothing is a tag of its own, and a document takes it.
fn stays_in_its_cell(rendered: &str, name: &str) {
    for table in rendered.split("\n\n").filter(|part| part.starts_with('|')) {
        let bars = |line: &str| line.replace("\\\\", "").replace("\\|", "").matches('|').count();
        let first = table.lines().next().map(bars);
        assert!(table.lines().all(|line| Some(bars(line)) == first), "{name:?}: {table}");
    }
    let outside_of_code: String = rendered.split('`').step_by(2).collect();
    let ours = ["<details>", "</details>", "<summary>", "</summary>"];
    let rest = ours.iter().fold(outside_of_code, |rest, tag| rest.replace(tag, ""));
    assert!(!rest.contains('<'), "{name:?}: {rendered}");

    // The command stands in a code span, where nothing can be escaped. A marker in it is refused.
    let document = "<!-- inflight:begin t -->\n<!-- inflight:end t -->\n";
    let generated = splice::with_command(name, rendered);
    match splice::splice(document, "t", &generated) {
        Ok(once) => assert_eq!(splice::splice(&once, "t", &generated).unwrap(), once, "{name:?}"),
        Err(refused) => assert!(name.contains("inflight:end t"), "{name:?}: {refused}"),
    }
}

/// One line a contender, and what a spreadsheet would compute is text.
fn is_a_field(rendered: &str, name: &str) {
    let mut reader = ::csv::Reader::from_reader(rendered.as_bytes());
    let place = reader.headers().unwrap().iter().position(|title| title == "contender").unwrap();
    let first = reader.records().next().unwrap().unwrap();
    let field = &first[place];
    assert_eq!(field.strip_prefix('\'').unwrap_or(field), printable(name), "{rendered}");
    assert!(!first.iter().any(|field| field.starts_with('=')), "{rendered}");
    assert_eq!(rendered.lines().count(), 1 + 5, "{name:?}: {rendered}");
}

fn is_kept_in_json(rendered: &str, name: &str) {
    let json: Value = serde_json::from_str(rendered).unwrap();
    assert_eq!(json["contenders"][0]["name"], name);
    assert_eq!(json["record"], name);
}

fn is_shown_in_json(rendered: &str, name: &str) {
    let json: Value = serde_json::from_str(rendered).unwrap();
    let shown = printable(name);
    let has = match &json {
        Value::Array(entries) => {
            entries.iter().any(|entry| entry["name"].as_str().is_some_and(|title| title.starts_with(&shown)))
        }
        _ => json.get(&shown).is_some() || json["results"][0]["command"] == shown.as_str(),
    };
    assert!(has, "{name:?}: {rendered}");
}

fn is_an_attribute(rendered: &str, name: &str) {
    let mut reader = Reader::from_str(rendered);
    let (mut cases, mut named) = (0, 0);
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) | Event::Empty(start) if start.name().as_ref() == "testcase" => {
                let class = start.try_get_attribute("classname").unwrap().unwrap();
                cases += 1;
                named += u32::from(quick_xml::escape::unescape(&class.value).unwrap() == printable(name));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!((cases, named), (21, 1), "{name:?}: {rendered}");
}
