//! Where observations go besides the evaluator: the trace, the terminal and the page in a browser.

pub(crate) mod page;
pub(crate) mod recorder;
pub(crate) mod screen;
