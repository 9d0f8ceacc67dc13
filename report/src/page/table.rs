//! Tables within the page: real ones, which sort by a click on a column and can be copied as CSV.

use maud::{Markup, html};

use crate::printable::{clipped, printable};
use crate::tables::data::{Cell, Data};

/// A text of a cell is cut after so many characters; what is copied is whole.
const CELL_CHARS: usize = 240;

/// With more columns a table may stand out of the page's column.
const BROAD: usize = 10;

/// A table with its button, `name` being that of the section.
pub(super) fn shown(name: &str, data: &Data) -> Markup {
    let names_the_row = data.columns.iter().position(|column| !column.numeric);
    html! {
        div.tools { button.copy type="button" { "copy as CSV" } }
        div class=(if data.columns.len() > BROAD { "scroll broad" } else { "scroll" }) tabindex="0" role="region" aria-label={ "Figures: " (name) } {
            table {
                thead {
                    tr {
                        @for column in &data.columns {
                            th scope="col" class=[column.numeric.then_some("n")] data-key=(column.key) aria-sort="none" {
                                button type="button" { (column.title_in_one_line()) }
                            }
                        }
                    }
                }
                tbody {
                    @for row in &data.rows {
                        tr {
                            @for (index, (cell, column)) in row.iter().zip(&data.columns).enumerate() {
                                (one(cell, column.numeric, Some(index) == names_the_row))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn one(cell: &Cell, numeric: bool, names_the_row: bool) -> Markup {
    let whole = printable(&cell.text);
    let text = clipped(&whole, CELL_CHARS);
    let cut = (text != whole).then_some(&whole);
    let figures = cell.raw.iter().map(f64::to_string).collect::<Vec<_>>().join(" ");
    html! {
        @if names_the_row {
            th scope="row" data-whole=[cut] { (text) }
        } @else {
            td class=[numeric.then_some("n")] data-v=[(!figures.is_empty()).then_some(figures)] data-whole=[cut] { (text) }
        }
    }
}
