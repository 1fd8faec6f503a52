//! What the reports of `hpa-check` and `fib-loadgen` share: text made harmless where it is put, SVG
//! drawings with their axes, and the style of a page.

pub mod axis;
pub mod canvas;
pub mod escape;

/// The style of every page: colors for light, dark and paper, headings, cards, tables.
pub const PAGE: &str = include_str!("page.css");

/// The style of every drawing: colors, text, grids.
pub const CHART: &str = include_str!("chart.css");
