//! Labels: how wide a text will be, and where many of them can stand without touching.

/// How wide `text` is in the page's sans-serif at `size` pixels: rather too wide than too narrow, since every
/// reader has a font of their own.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * size
}

/// The width of a character over the size of its font.
fn advance(char: char) -> f64 {
    match char {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' | '(' | ')' | '[' | ']' => {
            0.34
        }
        'f' | 't' | 'r' | '-' | '/' => 0.42,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.98,
        '+' => 0.84,
        'A'..='Z' | '×' | '÷' | '≥' | '–' | '→' => 0.72,
        '0'..='9' | 'a'..='z' | '_' => 0.6,
        _ if char.is_ascii() => 0.65,
        _ => 1.0,
    }
}

/// As much of `text` as fits into `width` pixels, with an ellipsis where it is not all.
pub(super) fn clipped(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let mut shown = String::new();
    let mut taken = advance('…') * size;
    for char in text.chars() {
        taken += advance(char) * size;
        if taken > width {
            break;
        }
        shown.push(char);
    }
    shown + "…"
}

/// A rectangle, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rect {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Rect {
    pub(super) fn around(x: f64, y: f64, radius: f64) -> Rect {
        Rect { left: x - radius, top: y - radius, width: 2.0 * radius, height: 2.0 * radius }
    }

    fn touches(&self, other: &Rect) -> bool {
        self.left < other.left + other.width
            && other.left < self.left + self.width
            && self.top < other.top + other.height
            && other.top < self.top + self.height
    }

    fn holds(&self, other: &Rect) -> bool {
        self.left <= other.left
            && self.top <= other.top
            && other.left + other.width <= self.left + self.width
            && other.top + other.height <= self.top + self.height
    }
}

/// Something to be labelled: a dot with its text.
pub(super) struct Dot {
    pub x: f64,
    pub y: f64,
    pub radius: f64,
    /// How much room the text takes.
    pub width: f64,
    pub height: f64,
}

/// Places a label beside each dot, within `bounds`, so that no label touches another or any dot: first where
/// it needs no line to its dot, then further and further away. `None` where there is no room for it.
pub(super) fn place(dots: &[Dot], bounds: Rect) -> Vec<Option<Rect>> {
    let mut taken: Vec<Rect> = dots.iter().map(|dot| Rect::around(dot.x, dot.y, dot.radius + 1.0)).collect();
    let mut places = Vec::new();
    for dot in dots {
        let free = |place: &Rect| bounds.holds(place) && taken.iter().all(|other| !place.touches(other));
        let place = candidates(dot).find(free);
        taken.extend(place);
        places.push(place);
    }
    places
}

/// Places for the label of `dot`, the best first: to the right, to the left, above, below, and round it.
fn candidates(dot: &Dot) -> impl Iterator<Item = Rect> + '_ {
    const ANGLES: [f64; 12] = [0.0, 180.0, 270.0, 90.0, 330.0, 30.0, 210.0, 150.0, 300.0, 60.0, 240.0, 120.0];
    const GAPS: [f64; 7] = [4.0, 10.0, 18.0, 28.0, 40.0, 56.0, 76.0];
    GAPS.into_iter().flat_map(move |gap| {
        ANGLES.into_iter().map(move |degrees: f64| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let reach = dot.radius + gap;
            Rect {
                left: dot.x + cos * reach + (cos - 1.0) / 2.0 * dot.width,
                top: dot.y + sin * reach + (sin - 1.0) / 2.0 * dot.height,
                width: dot.width,
                height: dot.height,
            }
        })
    })
}

/// Moves `places` apart along a line, so that neighbours are at least `gap` from each other and as near as
/// may be to where they were, between `low` and `high`. Where there is no room they stand evenly.
pub(super) fn spread_out(places: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|a, b| places[*a].total_cmp(&places[*b]));
    let room = (high - low) / (places.len().max(2) - 1) as f64;
    let gap = gap.min(room);
    let mut moved = places.to_vec();
    let mut least = low;
    for &index in &order {
        moved[index] = moved[index].max(least);
        least = moved[index] + gap;
    }
    let mut most = high;
    for &index in order.iter().rev() {
        moved[index] = moved[index].min(most);
        most = moved[index] - gap;
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_that_is_too_long_ends_in_an_ellipsis() {
        assert_eq!(clipped("short", 12.0, 100.0), "short");
        let cut = clipped(&"n".repeat(200), 12.0, 100.0);
        assert!(cut.ends_with('…') && text_width(&cut, 12.0) <= 100.0, "{cut}");
    }

    proptest! {
        #[test]
        fn labels_touch_nothing_and_stay_within(places in prop::collection::vec((0.0_f64..600.0, 0.0_f64..400.0), 0..60)) {
            let dots: Vec<Dot> =
                places.iter().map(|&(x, y)| Dot { x, y, radius: 6.0, width: 80.0, height: 14.0 }).collect();
            let bounds = Rect { left: 0.0, top: 0.0, width: 600.0, height: 400.0 };
            let labels = place(&dots, bounds);
            prop_assert_eq!(labels.len(), dots.len());
            for (index, label) in labels.iter().enumerate() {
                let Some(label) = label else { continue };
                prop_assert!(bounds.holds(label));
                prop_assert!(labels[..index].iter().flatten().all(|other| !label.touches(other)));
                prop_assert!(dots.iter().all(|dot| !label.touches(&Rect::around(dot.x, dot.y, 6.0))));
            }
        }

        #[test]
        fn what_is_spread_out_keeps_its_order_and_its_distance(
            places in prop::collection::vec(0.0_f64..100.0, 1..40),
        ) {
            let moved = spread_out(&places, 5.0, 0.0, 100.0);
            let gap = 5.0_f64.min(100.0 / (places.len().max(2) - 1) as f64);
            let mut sorted = moved.clone();
            sorted.sort_by(f64::total_cmp);
            prop_assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] >= gap - 1e-6));
            prop_assert!(moved.iter().all(|place| (-1e-6..=100.0 + 1e-6).contains(place)));
        }
    }
}
