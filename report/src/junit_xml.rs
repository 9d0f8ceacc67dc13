//! The writer of JUnit XML, for CI systems.
//!
//! Elements, their order and their attributes are those of Apache Ant's junitreport, as Windy Road's schema
//! describes them: <https://github.com/windyroad/JUnit-Schema/blob/master/JUnit.xsd>. All of them are in the schema of
//! Jenkins' xUnit plugin as well, which requires times as Maven Surefire writes them:
//! <https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd>

use std::io;

use quick_xml::events::{BytesDecl, BytesText, Event};
use quick_xml::writer::Writer;

use crate::printable::printable;

type Xml = Writer<Vec<u8>>;

/// A test suite. Its numbers of tests, failures, errors and skipped tests are those of its cases.
pub(crate) struct Suite {
    pub(crate) name: String,
    /// RFC 3339.
    pub(crate) started_at: String,
    pub(crate) time_ns: u64,
    pub(crate) properties: Vec<(&'static str, String)>,
    pub(crate) cases: Vec<Case>,
    /// The lines of `system-out`.
    pub(crate) output: Vec<String>,
}

/// A test case. CI systems count cases of one name and class as one.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) class: String,
    pub(crate) time_ns: u64,
    pub(crate) result: CaseResult,
}

pub(crate) enum CaseResult {
    Passed,
    Skipped,
    Failure(Problem),
    Error(Problem),
}

/// Why a test case did not pass.
pub(crate) struct Problem {
    pub(crate) kind: String,
    pub(crate) message: String,
    /// The lines of the element's text.
    pub(crate) details: Vec<String>,
}

/// Renders `suites`, ending in a newline.
pub(crate) fn render(suites: &[Suite]) -> String {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    write(&mut xml, suites).expect("memory takes every byte");
    String::from_utf8(xml.into_inner()).expect("it was made of text") + "\n"
}

fn write(xml: &mut Xml, suites: &[Suite]) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let write_all =
        |xml: &mut Xml| suites.iter().enumerate().try_for_each(|(id, suite)| write_suite(xml, id, suite));
    xml.create_element("testsuites").write_inner_content(write_all).map(drop)
}

fn write_suite(xml: &mut Xml, id: usize, suite: &Suite) -> io::Result<()> {
    let number =
        |is: fn(&CaseResult) -> bool| suite.cases.iter().filter(|case| is(&case.result)).count().to_string();
    let attributes = [
        ("id", id.to_string()),
        ("package", "inflight".to_owned()),
        ("name", printable(&suite.name)),
        ("timestamp", timestamp(&suite.started_at)),
        ("hostname", "localhost".to_owned()),
        ("tests", suite.cases.len().to_string()),
        ("failures", number(|result| matches!(result, CaseResult::Failure(_)))),
        ("errors", number(|result| matches!(result, CaseResult::Error(_)))),
        ("skipped", number(|result| matches!(result, CaseResult::Skipped))),
        ("time", seconds(suite.time_ns)),
    ];
    let attributes = attributes.iter().map(|(name, value)| (*name, value.as_str()));
    let element = xml.create_element("testsuite").with_attributes(attributes);
    element
        .write_inner_content(|xml| {
            write_properties(xml, &suite.properties)?;
            suite.cases.iter().try_for_each(|case| write_case(xml, case))?;
            xml.create_element("system-out")
                .write_text_content(BytesText::new(&printable_lines(&suite.output)))?;
            xml.create_element("system-err").write_empty().map(drop)
        })
        .map(drop)
}

fn write_properties(xml: &mut Xml, properties: &[(&'static str, String)]) -> io::Result<()> {
    let element = xml.create_element("properties");
    if properties.is_empty() {
        return element.write_empty().map(drop);
    }
    element
        .write_inner_content(|xml| {
            properties.iter().try_for_each(|(name, value)| {
                let attributes = [("name", *name), ("value", &printable(value))];
                xml.create_element("property").with_attributes(attributes).write_empty().map(drop)
            })
        })
        .map(drop)
}

fn write_case(xml: &mut Xml, case: &Case) -> io::Result<()> {
    let (name, class, time) = (printable(&case.name), printable(&case.class), seconds(case.time_ns));
    let element = xml.create_element("testcase").with_attributes([
        ("name", name.as_str()),
        ("classname", class.as_str()),
        ("time", time.as_str()),
    ]);
    match &case.result {
        CaseResult::Passed => element.write_empty(),
        CaseResult::Skipped => {
            element.write_inner_content(|xml| xml.create_element("skipped").write_empty().map(drop))
        }
        CaseResult::Failure(problem) => {
            element.write_inner_content(|xml| write_problem(xml, "failure", problem))
        }
        CaseResult::Error(problem) => element.write_inner_content(|xml| write_problem(xml, "error", problem)),
    }
    .map(drop)
}

fn write_problem(xml: &mut Xml, element: &str, problem: &Problem) -> io::Result<()> {
    let (kind, message) = (printable(&problem.kind), printable(&problem.message));
    let attributes = [("type", kind.as_str()), ("message", message.as_str())];
    let element = xml.create_element(element).with_attributes(attributes);
    if problem.details.is_empty() {
        element.write_empty().map(drop)
    } else {
        element.write_text_content(BytesText::new(&printable_lines(&problem.details))).map(drop)
    }
}

/// A time as the schemas require it: with three decimals, and neither an exponent nor a thousands separator.
pub(crate) fn seconds(ns: u64) -> String {
    let ms = ns / 1_000_000 + u64::from(ns % 1_000_000 >= 500_000);
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

fn printable_lines(texts: &[String]) -> String {
    texts.iter().map(|text| printable(text)).collect::<Vec<_>>().join("\n")
}

/// The schema has no time zone. A malformed time, which only a manipulated record has, becomes the beginning of Unix
/// time.
fn timestamp(rfc3339: &str) -> String {
    const SHAPE: &str = "0000-00-00T00:00:00";
    let shape = |char: char| if char.is_ascii_digit() { '0' } else { char };
    let seconds: String = rfc3339.chars().take(SHAPE.len()).collect();
    let fits = seconds.chars().map(shape).eq(SHAPE.chars());
    if fits { seconds } else { "1970-01-01T00:00:00".to_owned() }
}
