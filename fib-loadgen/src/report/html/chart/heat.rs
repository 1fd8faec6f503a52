//! The panels of cells: how many requests took how long, and which pod gave how many answers.

use std::fmt::Write as _;

use drawing::canvas::{Anchor, Px, text_width};
use drawing::layout::{Format, GAP};

use super::Sheet;
use super::panels::{count, float};
use crate::result::{PodResult, Series, decode};

/// The classes of the cells, from few to many.
const LEVELS: [&str; 6] = [
    "heat h0", "heat h1", "heat h2", "heat h3", "heat h4", "heat h5",
];

/// Cells of one size, drawn as one path per level, so that thousands of them stay small.
struct Cells {
    paths: [String; 6],
    width: f64,
    height: f64,
}

impl Cells {
    fn new(width: f64, height: f64) -> Self {
        Self {
            paths: Default::default(),
            width,
            height,
        }
    }

    fn add(&mut self, level: usize, x: f64, y: f64) {
        let (width, height) = (Px(self.width), Px(self.height));
        // Writing to a String can't fail.
        let _ = write!(
            self.paths[level.min(LEVELS.len() - 1)],
            "M{} {}h{width}v{height}h-{width}z",
            Px(x),
            Px(y)
        );
    }

    fn draw(self, sheet: &mut Sheet<'_>) {
        for (class, d) in LEVELS.iter().zip(&self.paths) {
            sheet.canvas.path(class, d);
        }
    }
}

/// How many steps share a column, and how many columns that gives.
fn columns(sheet: &Sheet<'_>) -> (usize, usize) {
    let most = if sheet.format == Format::Wide {
        176
    } else {
        84
    };
    let steps = sheet.document.series.len();
    let each = steps.div_ceil(most).max(1);
    (each, steps.div_ceil(each).max(1))
}

/// How many requests took how long in each step: the stronger the color, the more.
pub(super) fn times(sheet: &mut Sheet<'_>) {
    const ROWS: usize = 22;
    const HEIGHT: f64 = 110.0;
    let (each, columns) = columns(sheet);
    let Some(times) = Times::of(&sheet.document.series, each) else {
        return;
    };
    sheet.title("Response times, by number of requests", &[]);
    let axis = sheet.log_frame(HEIGHT, times.least, times.most);
    let left = sheet.time.left;
    let width = (sheet.time.right - left) / count(columns);
    let height = HEIGHT / count(ROWS);
    let row = |us: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a row of a few, from the bottom up"
        )]
        let row = ((axis.bottom - axis.y(us)) / height) as usize;
        row.min(ROWS - 1)
    };
    let mut grid = vec![[0_u64; ROWS]; columns];
    for (column, us, requests) in times.all {
        grid[column.min(columns - 1)][row(us)] += requests;
    }
    let most = grid.iter().flatten().copied().max().unwrap_or(0);
    let mut cells = Cells::new(width, height);
    for (column, rows) in grid.iter().enumerate() {
        for (row, requests) in rows.iter().enumerate().filter(|(_, n)| **n > 0) {
            let y = axis.bottom - count(row + 1) * height;
            cells.add(level(*requests, most), left + count(column) * width, y);
        }
    }
    cells.draw(sheet);
}

/// Every response time of the run: its column, its length in microseconds, and the number of requests.
struct Times {
    all: Vec<(usize, f64, u64)>,
    least: f64,
    most: f64,
}

impl Times {
    fn of(series: &Series, each: usize) -> Option<Self> {
        let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
        let mut all = Vec::new();
        for (step, text) in series.hdr_b64.iter().enumerate() {
            let Some(histogram) = text.as_deref().and_then(|text| decode(text).ok()) else {
                continue;
            };
            for value in histogram.iter_recorded() {
                let us = float(value.value_iterated_to());
                (least, most) = (least.min(us), most.max(us));
                all.push((step / each, us, value.count_since_last_iteration()));
            }
        }
        (most > 0.0).then_some(Self { all, least, most })
    }
}

/// The level of a number between 1 and the most, on a logarithmic scale, so that a single slow request is
/// visible next to ten thousand.
fn level(number: u64, most: u64) -> usize {
    let share = float(number).ln() / float(most.max(2)).ln();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of six levels"
    )]
    let level = (share * 6.0) as usize;
    level.min(LEVELS.len() - 1)
}

/// One row per pod, in the order of first answers: the stronger the color, the larger its share of the answers.
pub(super) fn pods(sheet: &mut Sheet<'_>) {
    const MOST: usize = 24;
    const ROW: f64 = 14.0;
    let known = |pod: &&PodResult| !pod.line.requests.is_empty();
    let mut pods: Vec<&PodResult> = sheet.document.pods.iter().filter(known).collect();
    if pods.is_empty() {
        return;
    }
    pods.sort_by(|a, b| a.first_s.total_cmp(&b.first_s).then(a.name.cmp(&b.name)));
    let (each, columns) = columns(sheet);
    let grid: Vec<Vec<u64>> = pods.iter().map(|pod| row(pod, each, columns)).collect();
    sheet.title("Pods, by share of the answers", &[]);
    let left = sheet.time.left;
    let width = (sheet.time.right - left) / count(columns);
    for (pod, row) in pods.iter().zip(&grid).take(MOST) {
        let mut cells = Cells::new(width, ROW - 3.0);
        for (column, answers) in row.iter().enumerate().filter(|(_, n)| **n > 0) {
            let level = share(*answers, grid.iter().map(|row| row[column]));
            cells.add(level, left + count(column) * width, sheet.y);
        }
        cells.draw(sheet);
        let name = tail(&pod.name, left - 10.0);
        sheet
            .canvas
            .text("pod", (left - 8.0, sheet.y + 9.0), Anchor::End, name);
        sheet.y += ROW;
    }
    if pods.len() > MOST {
        let text = format!("and {} more", pods.len() - MOST);
        sheet
            .canvas
            .text("pod", (left, sheet.y + 9.0), Anchor::Start, &text);
        sheet.y += ROW;
    }
    sheet.y += GAP - 3.0;
}

fn row(pod: &PodResult, each: usize, columns: usize) -> Vec<u64> {
    let mut row = vec![0; columns];
    for (step, answers) in pod.line.steps() {
        if let Some(cell) = row.get_mut(step / each) {
            *cell += answers;
        }
    }
    row
}

/// The level of a pod's answers: 2 is a fair share of all answers at that time, 5 is four times as much.
fn share(answers: u64, all: impl Iterator<Item = u64>) -> usize {
    let (sum, pods) = all
        .filter(|answers| *answers > 0)
        .fold((0, 0), |(sum, pods), answers| (sum + answers, pods + 1));
    let fair = float(answers) * float(pods) / float(sum.max(1));
    [0.25, 0.75, 1.34, 2.0, 4.0]
        .iter()
        .filter(|bound| fair >= **bound)
        .count()
}

/// The end of a pod's name, which distinguishes it from its siblings, as far as there is room.
fn tail(name: &str, room: f64) -> &str {
    let mut rest = name;
    // These labels are 10 px high; the measurement assumes 12.
    while text_width(rest) * 10.0 / 12.0 > room {
        let mut letters = rest.chars();
        letters.next();
        rest = letters.as_str();
    }
    rest.trim_start_matches('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_grows_by_equal_factors_and_a_single_request_is_seen() {
        assert_eq!(
            [1, 10, 100, 1_000_000].map(|n| level(n, 1_000_000)),
            [0, 1, 2, 5]
        );
        assert_eq!(level(1, 1), 0);
    }

    #[test]
    fn a_fair_share_is_level_two_whatever_the_number_of_pods() {
        assert_eq!(share(10, [10, 10, 10].into_iter()), 2);
        assert_eq!(share(7, [7].into_iter()), 2);
        assert_eq!(share(1, [1, 50, 49].into_iter()), 0);
        assert_eq!(share(90, [90, 0, 1, 1, 1, 1].into_iter()), 5);
    }

    #[test]
    fn the_end_of_a_name_is_kept() {
        assert_eq!(tail("fib-server-6c9f-2xk7p", 40.0), "2xk7p");
        assert_eq!(tail("a", 40.0), "a");
    }
}
