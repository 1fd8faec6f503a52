//! A histogram in which every request is counted.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus::core::{Collector, Desc};
use prometheus::proto;

/// A histogram. An observation takes two atomic additions; the library's takes four, and there are five
/// observations per request. In return, a scrape may see an observation in a bucket before it is in the sum.
#[derive(Debug, Clone)]
pub(super) struct Histogram(Arc<Series>);

#[derive(Debug)]
struct Series {
    desc: Desc,
    bounds: Vec<f64>,
    /// The observations up to each bound and above the previous one; the last entry is above all bounds.
    counts: Vec<AtomicU64>,
    /// The sum of the observations, as the bits of an `f64`.
    sum: AtomicU64,
}

impl Histogram {
    /// An empty histogram. The bounds must ascend.
    ///
    /// If a name is not valid in Prometheus.
    pub(super) fn new(
        name: &str,
        help: &str,
        bounds: &[f64],
        labels: &[(&str, &str)],
    ) -> prometheus::Result<Self> {
        let labels = labels.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        Ok(Self(Arc::new(Series {
            desc: Desc::new(
                name.into(),
                help.into(),
                Vec::new(),
                labels.collect::<HashMap<_, _>>(),
            )?,
            bounds: bounds.to_vec(),
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        })))
    }

    /// Counts a value.
    pub(super) fn observe(&self, value: f64) {
        let Series {
            bounds,
            counts,
            sum,
            ..
        } = &*self.0;
        let at = bounds.iter().position(|bound| value <= *bound);
        counts[at.unwrap_or(bounds.len())].fetch_add(1, Ordering::Relaxed);
        if value > 0.0 {
            let add = |bits| Some((f64::from_bits(bits) + value).to_bits());
            // It never fails, because the function never returns `None`.
            let _ = sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        }
    }

    fn snapshot(&self) -> proto::Histogram {
        let series = &self.0;
        let mut count = 0;
        let mut up_to = series.counts.iter().map(|c| {
            count += c.load(Ordering::Relaxed);
            count
        });
        let buckets = series
            .bounds
            .iter()
            .zip(&mut up_to)
            .map(|(bound, count)| {
                let mut bucket = proto::Bucket::default();
                bucket.set_upper_bound(*bound);
                bucket.set_cumulative_count(count);
                bucket
            })
            .collect();
        let all = up_to.next().unwrap_or_default();
        let mut histogram = proto::Histogram::default();
        histogram.set_bucket(buckets);
        histogram.set_sample_count(all);
        histogram.set_sample_sum(f64::from_bits(series.sum.load(Ordering::Relaxed)));
        histogram
    }
}

impl Collector for Histogram {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.0.desc]
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let desc = &self.0.desc;
        let mut metric = proto::Metric::from_label(desc.const_label_pairs.clone());
        metric.set_histogram(self.snapshot());
        let mut family = proto::MetricFamily::default();
        family.set_name(desc.fq_name.clone());
        family.set_help(desc.help.clone());
        family.set_field_type(proto::MetricType::HISTOGRAM);
        family.set_metric(vec![metric]);
        vec![family]
    }
}

#[cfg(test)]
mod tests {
    use prometheus::{Encoder, Registry, TextEncoder};

    use super::*;

    #[test]
    fn a_value_is_counted_in_each_bucket_whose_bound_it_does_not_exceed() {
        let registry = Registry::new();
        let of =
            |class| Histogram::new("seconds", "Time", &[0.5, 2.0], &[("status", class)]).unwrap();
        let (good, bad) = (of("2xx"), of("5xx"));
        registry.register(Box::new(good.clone())).unwrap();
        registry.register(Box::new(bad.clone())).unwrap();
        for value in [0.0, 0.5, 0.75, 2.5] {
            good.observe(value);
        }
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&registry.gather(), &mut text)
            .unwrap();
        let text = String::from_utf8(text).unwrap();
        for line in [
            "# TYPE seconds histogram",
            r#"seconds_bucket{status="2xx",le="0.5"} 2"#,
            r#"seconds_bucket{status="2xx",le="2"} 3"#,
            r#"seconds_bucket{status="2xx",le="+Inf"} 4"#,
            r#"seconds_sum{status="2xx"} 3.75"#,
            r#"seconds_count{status="2xx"} 4"#,
            r#"seconds_count{status="5xx"} 0"#,
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        assert_eq!(text.matches("# TYPE").count(), 1);
    }
}
