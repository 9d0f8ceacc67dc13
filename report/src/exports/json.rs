//! The whole comparison as JSON, for a program of one's own: every field of [`Comparison`] by its name.
//!
//! One record gives an object, several a list of them; `record` says which is which.
//!
//! [`Comparison`]: crate::comparison::Comparison

use super::pretty;
use crate::comparison::Named;

/// Renders `records`, ending in a newline.
pub fn render(records: &[Named]) -> String {
    match records {
        [one] => pretty(one),
        several => pretty(&several),
    }
}
