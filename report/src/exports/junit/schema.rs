//! What the two schemas that JUnit XML is checked against have in common, so that what fits here fits both: Windy
//! Road's of Apache Ant's junitreport (<https://github.com/windyroad/JUnit-Schema/blob/master/JUnit.xsd>), which wants
//! more and in an order, and that of Jenkins' xUnit plugin (`junit-10.xsd` of jenkinsci/xunit-plugin), which
//! restricts times.

use quick_xml::events::Event;
use quick_xml::reader::Reader;

/// An element, its parent, the attributes it must have and those it may have.
const ELEMENTS: [(&str, &str, &[&str], &[&str]); 10] = [
    ("testsuites", "", &[], &[]),
    (
        "testsuite",
        "testsuites",
        &["package", "id", "name", "timestamp", "hostname", "tests", "failures", "errors", "time"],
        &["skipped"],
    ),
    ("properties", "testsuite", &[], &[]),
    ("property", "properties", &["name", "value"], &[]),
    ("testcase", "testsuite", &["name", "classname", "time"], &[]),
    ("failure", "testcase", &["type"], &["message"]),
    ("error", "testcase", &["type"], &["message"]),
    ("skipped", "testcase", &[], &[]),
    ("system-out", "testsuite", &[], &[]),
    ("system-err", "testsuite", &[], &[]),
];

/// The children of a test suite must come in this order.
const SUITE: [&str; 4] = ["properties", "testcase", "system-out", "system-err"];

/// Whether Jenkins' pattern for a time matches, whose alternatives with thousands separators are not used here: digits, a
/// point, and at most three digits more, with which an XML decimal is satisfied too.
fn is_time(text: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    !whole.is_empty() && digits(whole) && (1..=3).contains(&decimals.len()) && digits(decimals)
}

/// Asserts that `xml` fits both schemas, and that a suite's numbers are those of its cases. Returns the names of
/// its elements in the order in which they begin.
#[track_caller]
pub(crate) fn assert_fits(xml: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    let mut open: Vec<String> = vec![String::new()];
    let mut place = 0;
    let mut seen: Vec<String> = Vec::new();
    let mut promised = [0; 4];
    loop {
        let (start, is_empty) = match reader.read_event().unwrap() {
            Event::Start(start) => (start, false),
            Event::Empty(start) => (start, true),
            Event::End(_) => {
                open.pop();
                continue;
            }
            Event::Eof => break,
            _ => continue,
        };
        let name = start.name().as_ref().to_owned();
        let parent = open.last().unwrap();
        let (_, _, required, optional) = ELEMENTS
            .iter()
            .find(|(element, under, ..)| *element == name && under == parent)
            .unwrap_or_else(|| panic!("no {name} is allowed in {parent}"));
        let attributes: Vec<(String, String)> = start
            .attributes()
            .map(Result::unwrap)
            .map(|attribute| (attribute.key.as_ref().to_owned(), attribute.value.to_string()))
            .collect();
        let value =
            |key: &str| attributes.iter().find(|(had, _)| had == key).map(|(_, value)| value.as_str());
        assert!(required.iter().all(|key| value(key).is_some()), "{name}: {attributes:?}");
        let allowed = |key: &str| required.contains(&key) || optional.contains(&key);
        assert!(attributes.iter().all(|(key, _)| allowed(key)), "{name}: {attributes:?}");
        assert!(value("time").is_none_or(is_time), "{name}: {attributes:?}");
        match SUITE.iter().position(|child| *child == name) {
            Some(now) => {
                assert!(now >= place, "{name} comes too late");
                place = now;
            }
            None if name == "testsuite" => {
                place = 0;
                for (sum, key) in promised.iter_mut().zip(["tests", "failures", "errors", "skipped"]) {
                    *sum += value(key).map_or(0, |number| number.parse::<usize>().unwrap());
                }
            }
            None => {}
        }
        seen.push(name.clone());
        if !is_empty {
            open.push(name);
        }
    }
    assert_eq!(open, [""], "every element ends");
    let number = |element: &str| seen.iter().filter(|had| *had == element).count();
    assert_eq!(promised, ["testcase", "failure", "error", "skipped"].map(number), "{xml}");
    seen
}
