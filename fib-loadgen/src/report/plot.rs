//! A level over time as text, for `plan`.

use std::time::Duration;

use super::clock;

/// Columns of a plot.
const WIDTH: u32 = 64;
/// Rows of a plot.
const ROWS: u32 = 8;
const PARTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A curve from zero up, with its largest value at the side and times below. `level` is sampled at the middle
/// of each column.
pub(crate) fn plot(title: &str, end: Duration, level: impl Fn(Duration) -> f64) -> String {
    let values: Vec<f64> = (0..WIDTH)
        .map(|column| level(end.mul_f64((f64::from(column) + 0.5) / f64::from(WIDTH))))
        .collect();
    let most = values.iter().copied().fold(0.0, f64::max);
    let mut text = format!("{title}\n");
    for row in (0..ROWS).rev() {
        let label = match row {
            row if row == ROWS - 1 => super::level(most),
            0 => "0".to_owned(),
            _ => String::new(),
        };
        let cells: String = values.iter().map(|value| cell(*value, most, row)).collect();
        text += &format!("{label:>8} |{}\n", cells.trim_end());
    }
    text += &" ".repeat(10);
    for quarter in 0..4 {
        text += &format!("{:<16}", clock(end * quarter / 4));
    }
    text + &clock(end) + "\n"
}

/// The part of a column that falls into a row, to an eighth.
fn cell(value: f64, most: f64, row: u32) -> char {
    if most <= 0.0 {
        return ' ';
    }
    let eighths = value / most * f64::from(ROWS) * 8.0 - f64::from(row) * 8.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "eighths of a cell"
    )]
    let part = eighths.round().clamp(0.0, 8.0) as usize;
    PARTS[part]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_is_as_high_as_its_largest_value_and_names_it() {
        let end = Duration::from_secs(64);
        let text = plot(
            "requests/s",
            end,
            |at| if at < end / 2 { 100.0 } else { 400.0 },
        );
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows.len(), 10);
        assert!(
            rows[1].starts_with("     400 |") && rows[1].ends_with('█'),
            "{text}"
        );
        assert_eq!(rows[1].matches('█').count(), 32);
        assert_eq!(rows[8].matches('█').count(), 64);
        assert!(
            rows[9].contains("00:32") && rows[9].ends_with("01:04"),
            "{text}"
        );
    }

    #[test]
    fn a_load_of_nothing_is_an_empty_plot() {
        assert!(!plot("", Duration::from_secs(1), |_| 0.0).contains('█'));
    }
}
