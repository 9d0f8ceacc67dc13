//! Charts that give each contender a row: where the rows lie, in a wide picture and in a narrow one.

use maud::{Markup, html};

use super::labels::text_width;
use super::svg::{Anchor, TEXT, fitted, text};
use crate::comparison::{Comparison, RankingFigure, Row};

/// Below this a picture is for a phone: names stand above their rows.
const NARROW: f64 = 500.0;

/// Room above the rows, and for the axis beneath them.
const HEAD: f64 = 20.0;
const AXIS: f64 = 22.0;

/// Contenders under a heading.
pub(super) struct Group<'a> {
    pub heading: &'static str,
    rows: Vec<&'a Row>,
}

/// The contenders as the tables part them, each group in the order of its walls: the fastest first, then those
/// whose walls are the target's, by their CPU, and those without a valid run last.
pub(super) fn groups(comparison: &Comparison) -> Vec<Group<'_>> {
    let (deployed, common) = (comparison.deployed(), comparison.common());
    if common.is_empty() || common.len() == comparison.contenders.len() {
        return vec![Group::by_wall("", deployed)];
    }
    vec![
        Group::by_wall("each with the client people use", deployed),
        Group::by_wall("all with one common client", common),
    ]
}

pub(super) fn rows_of<'a>(groups: &[Group<'a>]) -> impl Iterator<Item = &'a Row> {
    groups.iter().flat_map(|group| group.rows.iter().copied())
}

/// Where rows lie.
pub(super) struct Layout {
    pub width: f64,
    pub height: f64,
    /// The plot, left and right.
    pub left: f64,
    pub right: f64,
    /// Where the rows begin and end.
    pub top: f64,
    pub bottom: f64,
    row_height: f64,
    /// Names stand above their rows.
    pub is_narrow: bool,
    label_width: f64,
}

pub(super) struct Place {
    pub top: f64,
    pub height: f64,
    /// The middle of the marks.
    pub middle: f64,
    /// The base line of texts.
    pub base: f64,
    pub thickness: f64,
}

impl Layout {
    /// For `groups`, with `figures` pixels for figures at the right of the rows, in a wide picture beside the
    /// plot, in a narrow one above the row.
    pub(super) fn new(groups: &[Group<'_>], width: f64, figures: f64) -> Layout {
        let is_narrow = width < NARROW;
        let longest = rows_of(groups).map(|row| text_width(&row.name, TEXT)).fold(60.0, f64::max);
        let label_width = if is_narrow { width - figures - 8.0 } else { longest.min(width * 0.28) };
        let rows = rows_of(groups).count();
        let row_height = match (is_narrow, rows) {
            (true, _) => 36.0,
            (false, ..=12) => 28.0,
            (false, ..=30) => 23.0,
            _ => 19.0,
        };
        let headings: f64 = groups.iter().map(Group::height).sum();
        let bottom = HEAD + headings + rows as f64 * row_height;
        Layout {
            width,
            height: bottom + AXIS,
            left: if is_narrow { 6.0 } else { label_width + 12.0 },
            right: if is_narrow { width - 6.0 } else { width - figures - 8.0 },
            top: HEAD,
            bottom,
            row_height,
            is_narrow,
            label_width,
        }
    }

    /// The names, and what `draw` makes of each row at its place.
    pub(super) fn rows(&self, groups: &[Group<'_>], draw: impl Fn(&Row, &Place) -> Markup) -> Markup {
        let mut top = self.top;
        let mut drawn = Vec::new();
        for group in groups {
            if !group.heading.is_empty() {
                drawn.push(text(0.0, top + group.height() - 8.0, Anchor::Start, "mute", group.heading));
            }
            top += group.height();
            for row in &group.rows {
                let place = self.place(top);
                drawn.push(fitted(0.0, place.base, "ink", &row.name, self.label_width));
                drawn.push(draw(row, &place));
                top += self.row_height;
            }
        }
        html! { @for part in drawn { (part) } }
    }

    fn place(&self, top: f64) -> Place {
        let height = self.row_height;
        if self.is_narrow {
            Place { top, height, middle: top + 24.0, base: top + 13.0, thickness: 11.0 }
        } else {
            let middle = top + height / 2.0;
            Place { top, height, middle, base: middle + 4.0, thickness: (height * 0.5).round() }
        }
    }
}

impl<'a> Group<'a> {
    fn by_wall(heading: &'static str, mut rows: Vec<&'a Row>) -> Group<'a> {
        rows.sort_by_key(|row| {
            let wall_ns = RankingFigure::WallNs.median(row);
            let no_wall = (row.measured.is_none(), RankingFigure::CpuNs.median(row));
            (wall_ns.is_none(), wall_ns, wall_ns.is_none().then_some(no_wall))
        });
        Group { heading, rows }
    }

    pub(super) fn height(&self) -> f64 {
        if self.heading.is_empty() { 0.0 } else { 28.0 }
    }
}
