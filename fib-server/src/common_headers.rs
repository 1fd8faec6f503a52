//! The headers of every answer: its request's id, and the pod that gave it.

use salvo::http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const X_FIB_POD: HeaderName = HeaderName::from_static("x-fib-pod");

/// Room for these, an answer's own, and one or two from flags.
const MOST: usize = 12;

/// The headers that all answers have.
#[derive(Debug)]
pub(crate) struct CommonHeaders {
    pod: HeaderValue,
}

impl CommonHeaders {
    /// For one pod. Its name is kept as long as the process runs, so an answer copies it without a reference
    /// count that all threads would share.
    pub(crate) fn of(pod: &str) -> Self {
        // The settings only allow visible ASCII.
        let visible = HeaderValue::from_str(pod).is_ok();
        let pod = if visible { pod.to_owned().leak() } else { "" };
        Self {
            pod: HeaderValue::from_static(pod),
        }
    }

    /// Headers to copy for many answers: copying a map takes less time than inserting each header. The id comes
    /// first, so that it is found without a search.
    pub(crate) fn template(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(MOST);
        self.insert(&mut headers, HeaderValue::from_static("-"));
        headers
    }

    /// Adds them to an answer.
    pub(crate) fn complete(&self, headers: &mut HeaderMap, id: HeaderValue) {
        match headers.iter_mut().next() {
            Some((name, place)) if *name == X_REQUEST_ID => *place = id,
            _ => self.insert(headers, id),
        }
    }

    fn insert(&self, headers: &mut HeaderMap, id: HeaderValue) {
        headers.insert(X_REQUEST_ID, id);
        headers.insert(X_FIB_POD, self.pod.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_gets_them_exactly_once_with_or_without_a_template() {
        let common = CommonHeaders::of("pod-1");
        for mut headers in [common.template(), HeaderMap::new()] {
            common.complete(&mut headers, HeaderValue::from_static("7"));
            let pairs: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v)).collect();
            assert_eq!(
                pairs,
                [
                    ("x-request-id", &HeaderValue::from_static("7")),
                    ("x-fib-pod", &HeaderValue::from_static("pod-1"))
                ]
            );
        }
    }
}
