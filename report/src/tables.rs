//! The comparison as tables to read: on a terminal and in Markdown.

mod bars;
pub(crate) mod columns;
pub mod markdown;
pub(crate) mod notes;
pub(crate) mod open_loop;
pub(crate) mod published;
pub(crate) mod ranking;
pub(crate) mod slopes;
pub mod terminal;
pub(crate) mod words;
