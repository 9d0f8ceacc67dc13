//! The history: the ratio of head to reference from gate to gate, a small picture for each figure of each cell.

mod picture;

use super::series::Series;
use super::{History, table};
use crate::charts::svg::{self, Part};
use crate::charts::{ALONE_WIDTH, Picture};
use crate::numbers::{change, count};
use picture::picture;

/// How wide a picture is in a file, two beside each other.
const FILE_WIDTH: f64 = (ALONE_WIDTH - svg::GAP) / 2.0;

pub(crate) const TITLE: &str = "How the figures developed";

pub(crate) const HOW_TO_READ: [&str; 3] = [
    "Dots: head ÷ reference, a gate each, with its 90 % interval where it comes from pairs; red where the gate found it worse.",
    "Hollow dots: pairs or counts are missing; these have no interval, and do not count for changes.",
    "Dashed: a change, by E-divisive (advice, not a finding), of the median or, where it stays, of the spread. Bars: medians.",
];

/// All `histories` as an SVG file that stands alone: light or dark as its viewer is.
pub fn svg(histories: &[History]) -> String {
    let mut parts = Vec::new();
    for (index, history) in histories.iter().enumerate() {
        let (class, mut lines) = table::heading(history);
        if index == 0 {
            lines.extend(HOW_TO_READ.map(str::to_owned));
        }
        parts.push(Part { heading: [vec![class], lines].concat(), pictures: Vec::new() });
        let cells = pictures(history, FILE_WIDTH).into_iter();
        parts.extend(cells.map(|(cell, pictures)| Part {
            heading: vec![cell.to_owned()],
            pictures: pictures.into_iter().map(|(_, picture)| picture).collect(),
        }));
    }
    svg::file(TITLE, &description(histories), parts, ALONE_WIDTH)
}

/// What they show together, in a sentence for those who do not see it.
fn description(histories: &[History]) -> String {
    let all =
        || histories.iter().flat_map(|history| &history.series).filter(|series| !series.points.is_empty());
    let of_series =
        |series| changes(series).into_iter().map(move |change| format!("{}: {change}", name(series)));
    let changes = listed(all().flat_map(of_series).collect());
    format!("Ratios to a reference over time, {} small pictures. Changes: {changes}.", all().count())
}

/// What the picture of `series` shows, likewise.
pub(crate) fn description_of(series: &Series) -> String {
    let gates = count(series.points.len() as u64);
    let last = series.points.last().map(|point| format!(", {} in the last", change(point.ratio)));
    let (name, changes) = (name(series), listed(changes(series)));
    format!("{name} in {gates} gates{}. Changes: {changes}.", last.unwrap_or_default())
}

fn name(series: &Series) -> String {
    format!("{} of {}", series.figure.name(), series.cell)
}

fn changes(series: &Series) -> Vec<String> {
    series.steps().map(|step| format!("{} on {}", step.text(), step.after.date())).collect()
}

fn listed(changes: Vec<String>) -> String {
    if changes.is_empty() { "none".to_owned() } else { changes.join("; ") }
}

/// Each cell with its pictures, so wide, one for each series that has a ratio.
pub(crate) fn pictures(history: &History, width: f64) -> Vec<(&str, Vec<(&Series, Picture)>)> {
    let mut cells: Vec<(&str, Vec<(&Series, Picture)>)> = Vec::new();
    for series in history.series.iter().filter(|series| !series.points.is_empty()) {
        let drawn = (series, picture(series, history, width));
        match cells.last_mut().filter(|(cell, _)| *cell == series.cell) {
            Some((_, pictures)) => pictures.push(drawn),
            None => cells.push((&series.cell, vec![drawn])),
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::example;

    #[test]
    fn a_history_as_a_file() {
        let drawn = svg(&History::all(&example::gates(24), None).unwrap());
        assert!(drawn.starts_with("<svg xmlns=") && drawn.ends_with("</svg>\n"));
        assert!(drawn.contains("viewBox=\"0 0 920 1177\""), "{drawn}");
        let count = |part: &str| drawn.matches(part).count();
        assert_eq!(count("<g transform="), 9, "a picture for each figure of each cell that has a ratio");
        assert_eq!(count("class=\"mark\""), 9 * 24, "a dot for each gate");
        assert_eq!((count("class=\"solid\""), count("class=\"ring\"")), (9 * 24, 0));
        assert_eq!((count("class=\"floor\""), count("axis knee")), (9 + 4, 4), "a bar for each level");
        let mut rest = drawn.as_str();
        for part in [
            r#"<text x="20" y="66" class="ink name">AMD EPYC, 2 cores, guest of QEMU, kernel 6.18<"#,
            r#"<text x="20" y="175" class="ink name">tokio:128, sprint<"#,
            r#"<g transform="translate(20 192)">"#,
            ">throughput<",
            r#"<text x="416" y="12" text-anchor="end" class="ink">−5.7 %<"#,
            r#"<text x="41" y="76.4" text-anchor="end" class="mute small">1×<"#,
            r#"<text x="53.7" y="162" text-anchor="middle" class="mute small">2026-03-01<"#,
            r#"cx="53.7" cy="73.5" r="2.8">"#,
            r#"<line class="axis knee" x1="246.4" y1="50" x2="246.4" y2="146">"#,
            r#"<g transform="translate(472 192)">"#,
            ">CPU<",
            ">epoll+common:128, sprint<",
            ">−15.0 %<",
        ] {
            let place = rest.find(part).unwrap_or_else(|| panic!("no {part} in its place: {rest}"));
            rest = &rest[place + part.len()..];
        }
    }

    #[test]
    fn a_picture_stays_within_its_width_whatever_that_is() {
        let history = History::all(&example::gates(60), None).unwrap().remove(0);
        for width in [300.0, 420.0, 880.0] {
            for (_, picture) in pictures(&history, width).into_iter().flat_map(|(_, pictures)| pictures) {
                let body = picture.body.into_string();
                let places = body.split(" x1=\"").skip(1).chain(body.split(" cx=\"").skip(1));
                let places = places.map(|rest| rest.split('"').next().unwrap().parse::<f64>().unwrap());
                assert!(places.into_iter().all(|x| (0.0..=width).contains(&x)), "{width}: {body}");
            }
        }
    }
}
