//! What the reports of `hpa-check` and `fib-loadgen` share: escaping, SVG drawings with axes, the layout of
//! timelines, and the frame and style of pages.

pub mod axis;
pub mod canvas;
pub mod escape;
pub mod layout;
pub mod page;

/// The style of every page: colors for light, dark and paper, headings, cards, tables.
pub const PAGE: &str = include_str!("page.css");

/// The style of every drawing: colors, text, grids.
pub const CHART: &str = include_str!("chart.css");
