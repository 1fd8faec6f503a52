//! The access log: a limited number of lines per second, whatever the requests' outcome; the rest is counted.

use std::sync::atomic::{AtomicU64, Ordering};

use hyper::header::HeaderValue;
use hyper::{Method, Request};

use super::Record;

/// How many requests are logged.
#[derive(Debug, Default)]
pub(super) struct Log {
    a_second: u64,
    second: AtomicU64,
    logged: AtomicU64,
    unlogged: AtomicU64,
}

impl Log {
    /// A log of this many lines per second.
    pub(super) fn of(a_second: u32) -> Self {
        Self {
            a_second: a_second.into(),
            ..Self::default()
        }
    }

    /// Whether a request of this second is logged.
    pub(super) fn wants(&self, second: u64) -> bool {
        if self.second.load(Ordering::Relaxed) != second
            && self.second.swap(second, Ordering::Relaxed) != second
        {
            self.logged.store(0, Ordering::Relaxed);
        }
        let wanted = self.logged.load(Ordering::Relaxed) < self.a_second
            && self.logged.fetch_add(1, Ordering::Relaxed) < self.a_second;
        if !wanted {
            self.unlogged.fetch_add(1, Ordering::Relaxed);
        }
        wanted
    }

    /// How many were left out since the last line.
    fn take_unlogged(&self) -> u64 {
        self.unlogged.swap(0, Ordering::Relaxed)
    }
}

/// What only the log needs.
pub(super) struct Line {
    method: Method,
    query: Option<String>,
    id: HeaderValue,
}

impl Line {
    pub(super) fn of<B>(request: &Request<B>, id: HeaderValue) -> Self {
        Self {
            method: request.method().clone(),
            query: request.uri().query().map(|q| shortened(q).to_owned()),
            id,
        }
    }

    /// Writes the request's outcome.
    pub(super) fn write(self, record: &Record, complete: bool) {
        tracing::info!(
            target: "access",
            method = self.method.as_str(),
            route = record.route.as_str(),
            query = self.query,
            status = record.status,
            complete,
            duration_ms = record.begun.elapsed().as_secs_f64() * 1e3,
            request_id = self.id.to_str().unwrap_or_default(),
            trace_id = record.trace.as_ref().map(|t| t.trace_id()),
            span_id = record.trace.as_ref().map(|t| t.span_id()),
            unlogged = record.port.log.take_unlogged(),
            "request"
        );
    }
}

fn shortened(query: &str) -> &str {
    const MOST: usize = 200;
    query
        .char_indices()
        .nth(MOST)
        .map_or(query, |(end, _)| &query[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_writes_a_limited_number_of_lines_per_second_and_counts_the_others() {
        let log = Log::of(2);
        let wants: Vec<_> = (0..4).map(|_| log.wants(1)).collect();
        assert_eq!(wants, [true, true, false, false]);
        assert!(log.wants(2));
        assert_eq!(log.take_unlogged(), 2);
        assert_eq!(log.take_unlogged(), 0);
    }
}
