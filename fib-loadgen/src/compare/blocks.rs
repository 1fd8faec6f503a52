//! Cuts a run into blocks, and builds runs from drawn blocks.

use hdrhistogram::Histogram;

use crate::chance::{self, Purpose};
use crate::result::Document;

/// A stretch of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Block {
    pub(super) seconds: f64,
    pub(super) ok: u64,
    pub(super) failed: u64,
    pub(super) response: Option<Histogram<u64>>,
}

impl Block {
    pub(super) fn add(&mut self, other: &Self) {
        self.seconds += other.seconds;
        self.ok += other.ok;
        self.failed += other.failed;
        match (&mut self.response, &other.response) {
            // Both resize themselves, so adding can't fail.
            (Some(mine), Some(theirs)) => drop(mine.add(theirs)),
            (mine @ None, Some(theirs)) => *mine = Some(theirs.clone()),
            _ => {}
        }
    }

    pub(super) fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        all.into_iter().for_each(|block| sum.add(block));
        sum
    }
}

/// The judged part of a run in blocks of this many seconds; empty if the result has no histograms of its steps.
/// A last block that is less than half as long is merged into the previous one.
pub(super) fn blocks(document: &Document, seconds: f64) -> Result<Vec<Block>, String> {
    let series = &document.series;
    if series.hdr_b64.is_empty() {
        return Ok(Vec::new());
    }
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run")]
    let (warmup, window) = (
        document.plan.warmup_ms as f64 / 1e3,
        if document.totals.window_s > 0.0 {
            document.totals.window_s
        } else {
            f64::INFINITY
        },
    );
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = Block::default();
    for entry in series.entries()? {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run")]
        let (end, width) = (entry.end_ms as f64 / 1e3, entry.width_ms as f64 / 1e3);
        let begin = end - width;
        // Steps of the warm-up are not judged, and what ends after the load does not belong to its rate.
        if begin + 1e-3 < warmup || begin >= window {
            continue;
        }
        open.add(&Block {
            seconds: width,
            ok: entry.ok,
            failed: entry.failed,
            response: entry.response,
        });
        if open.seconds + 0.05 >= seconds {
            blocks.push(std::mem::take(&mut open));
        }
    }
    match blocks.last_mut() {
        Some(last) if open.seconds < seconds / 2.0 => last.add(&open),
        _ if open.seconds > 0.0 => blocks.push(open),
        _ => {}
    }
    Ok(blocks)
}

/// As many blocks as there are, drawn with replacement; the same draw gives the same blocks.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index into a few blocks"
)]
pub(super) fn drawn(blocks: &[Block], draw: u64) -> Block {
    let pick = |at: usize| {
        let share = chance::unit(draw, Purpose::Resample, at as u64);
        &blocks[((share * blocks.len() as f64) as usize).min(blocks.len() - 1)]
    };
    Block::sum((0..blocks.len()).map(pick))
}
