//! Colours: one for each family of models, distinguishable for colour-blind readers too.

use crate::comparison::{Comparison, Row};

/// Hues after Okabe and Ito, "Color Universal Design", 2008, for paper and for the dark: each has at least
/// three times the luminance of its ground or a third of it (WCAG 2.2, 1.4.11), which the originals lack in
/// orange, sky blue and yellow.
const HUES: [(&str, &str); 8] = [
    ("#0072b2", "#4fa9e2"),
    ("#d55e00", "#f58b4c"),
    ("#008f68", "#2fc79b"),
    ("#b5528b", "#e39ac4"),
    ("#b87a00", "#efb43c"),
    ("#3a8fc4", "#9bd2f5"),
    ("#857400", "#e3d650"),
    ("#6b6b6b", "#b8b8b8"),
];

/// What is not a contender, for paper and for the dark: class, property, colours.
const GROUNDS: [(&str, &str, &str, &str); 6] = [
    ("ink", "fill", "#1c1b19", "#ecebe6"),
    ("mute", "fill", "#66645e", "#a3a19a"),
    ("grid", "stroke", "#e4e1da", "#34332f"),
    ("axis", "stroke", "#b6b3aa", "#5c5a54"),
    ("floor", "stroke", "#1c1b19", "#ecebe6"),
    ("bad", "color", "#b3261e", "#ff8a80"),
];

/// The ground itself.
const PAPER: (&str, &str) = ("#fffefb", "#161614");

/// The class that colours a mark of `row`: families of models have hues in the order in which the record names
/// them. With more families than hues some share one, and are distinguished by their names alone.
pub(super) fn class(comparison: &Comparison, row: &Row) -> &'static str {
    const CLASSES: [&str; HUES.len()] = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"];
    let mut families: Vec<&str> = Vec::new();
    for row in &comparison.contenders {
        if !families.contains(&family(row)) {
            families.push(family(row));
        }
    }
    let place = families.iter().position(|known| *known == family(row)).unwrap_or(0);
    CLASSES[place % CLASSES.len()]
}

/// Models whose names begin with the same word are of one family.
fn family(row: &Row) -> &str {
    row.model.split(['-', '_']).next().unwrap_or(&row.model)
}

/// Rules for a page, which follow its colour scheme.
pub(crate) fn rules_of_page() -> String {
    rules(|light, dark| format!("light-dark({light},{dark})"))
}

/// Rules for a file that stands alone: in words that every viewer of SVG knows.
pub(super) fn rules_of_file() -> String {
    let light = rules(|light, _| light.to_owned());
    let dark = rules(|_, dark| dark.to_owned());
    format!("{light}@media (prefers-color-scheme:dark){{{dark}}}")
}

fn rules(colour: impl Fn(&str, &str) -> String) -> String {
    let mut rules = format!(".paper{{fill:{0}}}text{{stroke:{0}}}", colour(PAPER.0, PAPER.1));
    for (class, property, light, dark) in GROUNDS {
        rules += &format!(".{class}{{{property}:{}}}", colour(light, dark));
    }
    for (index, (light, dark)) in HUES.iter().enumerate() {
        rules += &format!(".c{index}{{color:{}}}", colour(light, dark));
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance: WCAG 2.2.
    fn luminance(colour: &str) -> f64 {
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn every_hue_stands_out_from_its_ground() {
        for (light, dark) in HUES {
            assert!(contrast(light, PAPER.0) >= 3.0, "{light}");
            assert!(contrast(dark, PAPER.1) >= 3.0, "{dark}");
        }
        for (class, _, light, dark) in
            GROUNDS.into_iter().filter(|ground| ["ink", "mute", "bad"].contains(&ground.0))
        {
            assert!(contrast(light, PAPER.0) >= 4.5, "{class}");
            assert!(contrast(dark, PAPER.1) >= 4.5, "{class}");
        }
    }
}
