//! The screen's data: the seconds so far, thinned out as they age, and the selections.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::moment::Moment;
use crate::plan::Shape;

/// Seconds that are kept individually; a longer run keeps every second, fourth, … one.
const MOST: usize = 1_800;
/// The number of seconds in the "10 s" column.
const RECENT: usize = 10;

/// What does not change during the run.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) target: String,
    pub(super) seed: u64,
    pub(super) end: Duration,
    pub(super) users: u32,
    pub(super) open_model: bool,
    pub(super) levels: Shape,
}

/// How much of the past the curves show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Window {
    Minute,
    FiveMinutes,
    Run,
}

impl Window {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Minute => "1 min",
            Self::FiveMinutes => "5 min",
            Self::Run => "whole run",
        }
    }

    fn seconds(self) -> f64 {
        match self {
            Self::Minute => 60.0,
            Self::FiveMinutes => 300.0,
            Self::Run => f64::INFINITY,
        }
    }
}

/// What the panel at the lower right shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Panel {
    Pods,
    Failures,
    Generator,
}

/// A second of the curves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) at: f64,
    pub(super) rps: f64,
    pub(super) offered: Option<f64>,
    pub(super) p50: Option<u64>,
    pub(super) p99: Option<u64>,
}

/// When a pod first and last answered, in seconds since the start, and its answers.
#[derive(Debug, Clone)]
pub(super) struct Pod {
    pub(super) name: String,
    pub(super) first: f64,
    pub(super) last: f64,
    pub(super) answers: u64,
    /// In the last second.
    pub(super) now: u64,
}

/// Everything from which the screen is drawn.
#[derive(Debug)]
pub(super) struct State {
    pub(super) about: About,
    pub(super) window: Window,
    pub(super) panel: Panel,
    pub(super) held: bool,
    pub(super) help: bool,
    pub(super) now: Moment,
    pub(super) points: Vec<Point>,
    pub(super) pods: Vec<Pod>,
    /// Response times of the whole run.
    pub(super) whole: Histogram<u64>,
    recent: Vec<Moment>,
    /// One in this many seconds is kept.
    each: u64,
    seconds: u64,
    /// Seconds that arrived while the picture was frozen.
    waiting: Vec<Moment>,
}

impl State {
    pub(super) fn new(about: About) -> Self {
        Self {
            about,
            window: Window::Minute,
            panel: Panel::Pods,
            held: false,
            help: false,
            now: Moment::default(),
            points: Vec::new(),
            pods: Vec::new(),
            whole: Histogram::new(2).expect("two digits are within HDR's bounds"),
            recent: Vec::new(),
            each: 1,
            seconds: 0,
            waiting: Vec::new(),
        }
    }

    /// Adds a second, or keeps it until the picture is no longer frozen.
    pub(super) fn take(&mut self, moment: Moment) {
        self.waiting.push(moment);
        if self.held {
            // A picture that is frozen for a day must not keep a day of seconds.
            if self.waiting.len() > MOST {
                self.waiting.remove(0);
            }
            return;
        }
        for moment in std::mem::take(&mut self.waiting) {
            self.take_in(moment);
        }
    }

    fn take_in(&mut self, moment: Moment) {
        let tick = &moment.tick;
        let at = Duration::from_millis(tick.elapsed_ms).as_secs_f64();
        if let Some(response) = &moment.response {
            // Both resize themselves, so adding can't fail.
            let _ = self.whole.add(response);
        }
        if self.seconds.is_multiple_of(self.each) {
            self.points.push(Point {
                at,
                rps: tick.rps,
                offered: tick.offered_rps,
                p50: tick.p50_us,
                p99: tick.p99_us,
            });
        }
        self.seconds += 1;
        if self.points.len() > MOST {
            let mut keep = false;
            self.points.retain(|_| {
                keep = !keep;
                keep
            });
            self.each *= 2;
        }
        self.count_pods(&moment, at);
        self.recent.push(moment.clone());
        if self.recent.len() > RECENT {
            self.recent.remove(0);
        }
        self.now = moment;
    }

    fn count_pods(&mut self, moment: &Moment, at: f64) {
        for pod in &mut self.pods {
            pod.now = 0;
        }
        for (name, answers) in &moment.tick.pods {
            let known = self.pods.iter_mut().find(|pod| pod.name == *name);
            if let Some(pod) = known {
                pod.last = at;
                pod.answers += answers;
                pod.now = *answers;
            } else {
                self.pods.push(Pod {
                    name: name.clone(),
                    first: at,
                    last: at,
                    answers: *answers,
                    now: *answers,
                });
            }
        }
    }

    /// The seconds of the chosen window.
    pub(super) fn shown(&self) -> &[Point] {
        let now = self.points.last().map_or(0.0, |point| point.at);
        let from = self
            .points
            .partition_point(|point| point.at < now - self.window.seconds());
        &self.points[from..]
    }

    /// Response times of the last ten seconds.
    pub(super) fn recent_times(&self) -> Histogram<u64> {
        let mut sum = Histogram::new(2).expect("two digits are within HDR's bounds");
        for response in self.recent.iter().filter_map(|m| m.response.as_ref()) {
            let _ = sum.add(response);
        }
        sum
    }

    /// The mean of a value over the last ten seconds.
    pub(super) fn recent_mean(&self, of: impl Fn(&Moment) -> f64) -> f64 {
        let count = u32::try_from(self.recent.len()).unwrap_or(1).max(1);
        self.recent.iter().map(of).sum::<f64>() / f64::from(count)
    }

    /// Failures in the last ten seconds.
    pub(super) fn recent_failures(&self) -> u64 {
        self.recent.iter().map(|moment| moment.failed).sum()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::live::Tick;
    use crate::report::fixture;

    /// A state that has seen so many seconds.
    pub(in crate::view) fn state(seconds: u64) -> State {
        let mut state = State::new(About {
            target: "http://fib-server:8080/".to_owned(),
            seed: 4242,
            end: Duration::from_mins(4),
            users: 500,
            open_model: true,
            levels: Shape::trapezoid(
                430.0,
                Duration::from_secs(30),
                Duration::from_secs(210),
                Duration::ZERO,
            )
            .unwrap(),
        });
        for second in 1..=seconds {
            state.take(moment(second));
        }
        state
    }

    pub(in crate::view) fn moment(second: u64) -> Moment {
        Moment {
            tick: Tick {
                elapsed_ms: second * 1_000,
                users: 500,
                offered_rps: Some(430.0),
                rps: 429.6,
                sent: second * 430,
                ok: second * 430,
                p50_us: Some(1_900),
                p99_us: Some(12_400),
                in_flight: 3,
                phase: "hold".to_owned(),
                pods: [
                    ("fib-6c9f-2xk7p".to_owned(), 215),
                    ("fib-6c9f-8qzzz".to_owned(), 215),
                ]
                .into(),
                ..Tick::default()
            },
            response: Some(fixture::times(430, 2)),
            failed: 1,
            ..Moment::default()
        }
    }

    #[test]
    fn a_day_of_seconds_is_thinned_out_and_no_sum_loses_any() {
        let state = state(5_000);
        assert!(state.points.len() <= MOST, "{}", state.points.len());
        assert_eq!(state.whole.len(), 5_000 * 430);
        assert_eq!(state.pods[0].answers, 5_000 * 215);
        assert!(state.shown().len() <= 60);
    }

    #[test]
    fn a_frozen_picture_stays_and_catches_up() {
        let mut state = state(3);
        state.held = true;
        state.take(moment(4));
        assert_eq!(state.now.tick.elapsed_ms, 3_000);
        state.held = false;
        state.take(moment(5));
        assert_eq!(
            (state.now.tick.elapsed_ms, state.whole.len()),
            (5_000, 5 * 430)
        );
    }

    #[test]
    fn the_last_ten_seconds_are_exactly_those() {
        let state = state(30);
        assert_eq!(
            (state.recent_failures(), state.recent_times().len()),
            (10, 4_300)
        );
        assert!((state.recent_mean(|moment| moment.tick.rps) - 429.6).abs() < 1e-6);
    }
}
