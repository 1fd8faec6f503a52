//! The layout of a timeline: panels one below the other.

/// Room for the phases' names above the first panel.
pub const HEAD: f64 = 30.0;
/// Room above the first panel where no phase has a name.
pub const BARE_HEAD: f64 = 8.0;
/// Room for a panel's title, and for each line of its key.
pub const TITLE: f64 = 24.0;
/// Room below a panel.
pub const GAP: f64 = 16.0;
/// Room for the labels of the time axis.
pub const FOOT: f64 = 26.0;

/// Where a timeline is shown. A narrow one is not a smaller copy of the wide one: its letters have the same
/// size, and less is side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A page, a paper.
    Wide,
    /// A phone.
    Narrow,
}

impl Format {
    /// The width in pixels.
    pub const fn width(self) -> f64 {
        match self {
            Self::Wide => 960.0,
            Self::Narrow => 400.0,
        }
    }

    /// Its classes in the style.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Wide => "timeline wide",
            Self::Narrow => "timeline narrow",
        }
    }
}
