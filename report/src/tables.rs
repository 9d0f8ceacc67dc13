//! The comparison as tables to read: on a terminal and in Markdown.

mod bars;
mod columns;
pub mod markdown;
mod published;
pub(crate) mod ranking;
pub mod terminal;
pub(crate) mod words;
