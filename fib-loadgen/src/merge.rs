//! Merges the results of a run's shards: counts and histograms add up, and percentiles are read from the sum.
//! No percentile is ever averaged.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

mod parts;
mod rules;

use parts::{errors, generator, latency, pods, series, totals};

use crate::result::{
    AddressResult, CheckResult, Connections, Document, GooseFacts, MergedShard, NResult,
    PhaseResult, PlanFacts, Run, Step, fairness, jain, notice_rises,
};

/// Shards whose starts are further apart than this did not load the target together.
const MOST_SKEW_S: f64 = 1.0;

/// A shard, and how long after the first shard it started.
pub(crate) struct Part<'a> {
    document: &'a Document,
    /// Seconds.
    later: f64,
}

/// Merges the shards' results. With `partial`, some may be missing.
pub fn merge(documents: &[Document], partial: bool) -> Result<Document, String> {
    let (first, rest) = documents
        .split_first()
        .ok_or("there is nothing to merge: give a result for each shard")?;
    for other in rest {
        same_run(first, other)?;
    }
    let missing = missing(documents)?;
    if !missing.is_empty() && !partial {
        return Err(format!(
            "shard {} is missing: give its result too, or --partial to merge what is there",
            missing.join(", ")
        ));
    }
    let parts = placed(documents)?;
    let mut merged = together(&parts)?;
    if let Some(last) = parts.iter().map(|part| part.later).reduce(f64::max)
        && last > MOST_SKEW_S
    {
        merged.warnings.push(format!(
            "the shards began up to {last:.1} s apart: give all of them one --start-at"
        ));
    }
    if !missing.is_empty() {
        merged
            .warnings
            .push(format!("shard {} is missing", missing.join(", ")));
    }
    Ok(merged.rounded())
}

/// Whether two results belong to one run; otherwise says how they differ.
fn same_run(a: &Document, b: &Document) -> Result<(), String> {
    let differ = |what: &str, a: &str, b: &str| {
        if a == b {
            return Ok(());
        }
        Err(format!(
            "the results are of different runs, whose {what} is `{a}` and `{b}`: give the shards of one run"
        ))
    };
    let shards = |document: &Document| {
        let shard = document.run.shard.as_deref().unwrap_or("");
        let of = shard.split_once('/').map_or("none", |(_, of)| of);
        of.to_owned()
    };
    differ("target", &a.target.url, &b.target.url)?;
    differ("model", &a.plan.model, &b.plan.model)?;
    differ("n", &a.plan.n_spec, &b.plan.n_spec)?;
    differ("number of shards", &shards(a), &shards(b))?;
    if a.run.shard.is_some() {
        differ("seed", &a.run.seed.to_string(), &b.run.seed.to_string())?;
    }
    Ok(())
}

/// The missing shards. Results without a shard are independent loads, of which any number is allowed.
fn missing(documents: &[Document]) -> Result<Vec<String>, String> {
    let mut seen = BTreeMap::new();
    let mut whole = BTreeSet::new();
    let mut of = 0;
    for document in documents {
        let Some(shard) = &document.run.shard else {
            if !whole.insert((&document.run.id, document.run.seed)) {
                return Err(format!(
                    "the result of run {} is there twice: give each result once",
                    document.run.id
                ));
            }
            continue;
        };
        let (index, shards) = shard
            .split_once('/')
            .and_then(|(index, of)| Some((index.parse::<u32>().ok()?, of.parse::<u32>().ok()?)))
            .ok_or_else(|| format!("`{shard}` is not a shard: expected one like 0/4"))?;
        of = shards;
        if seen.insert(index, &document.run.id).is_some() {
            return Err(format!(
                "shard {shard} is there twice: give the result of each shard once"
            ));
        }
    }
    Ok((0..of)
        .filter(|index| !seen.contains_key(index))
        .map(|index| format!("{index}/{of}"))
        .collect())
}

/// The shards, each with how long after the first one it started.
fn placed(documents: &[Document]) -> Result<Vec<Part<'_>>, String> {
    let started: Vec<Timestamp> = documents
        .iter()
        .map(|document| {
            let text = &document.run.started_utc;
            text.parse()
                .map_err(|_| {
                    format!("a result began at `{text}`, which is not a time such as 2026-11-27T12:00:00Z: give what `-o json=` or `-o log=` wrote")
                })
        })
        .collect::<Result<_, _>>()?;
    let first = started.iter().min().copied().unwrap_or_default();
    let later = |at: &Timestamp| at.duration_since(first).as_secs_f64();
    let parts: Vec<Part<'_>> = documents
        .iter()
        .zip(&started)
        .map(|(document, at)| Part {
            document,
            later: later(at),
        })
        .collect();
    let ends = parts
        .iter()
        .map(|part| part.later + part.document.totals.elapsed_s);
    let first_end = ends.fold(f64::INFINITY, f64::min);
    if parts.iter().any(|part| part.later > first_end) {
        return Err("the results are of runs one after another, not of one run: compare them, or give the shards of one run".to_owned());
    }
    Ok(parts)
}

fn together(parts: &[Part<'_>]) -> Result<Document, String> {
    let documents = || parts.iter().map(|part| part.document);
    let mut plan = plan(&documents().collect::<Vec<_>>());
    let mut pods = pods(parts)?;
    notice_rises(&mut pods, &plan.steps);
    let mut series = series(parts, &pods)?;
    series.fairness = fairness(&pods, series.len(), series.step_s);
    series.fairness_window_s = crate::result::FAIRNESS_WINDOW_S;
    let mut statuses = BTreeMap::new();
    for (status, count) in documents().flat_map(|document| &document.statuses) {
        *statuses.entry(*status).or_insert(0) += count;
    }
    plan.requests = documents().map(|document| document.plan.requests).sum();
    #[expect(clippy::cast_precision_loss, reason = "counts of requests")]
    let fairness_jain = jain(pods.iter().map(|pod| pod.requests as f64));
    let first = parts[0].document;
    let mut merged = Document {
        schema: crate::result::SCHEMA.into(),
        run: run(parts),
        target: first.target.clone(),
        totals: totals(documents().map(|document| &document.totals)),
        latency: latency(
            &documents()
                .map(|document| &document.latency)
                .collect::<Vec<_>>(),
        )?,
        phases: phases(parts)?,
        by_n: by_n(parts)?,
        statuses,
        errors: errors(parts),
        fairness_jain,
        connections: connections(parts),
        checks: checks(parts),
        generator: generator(parts),
        goose: GooseFacts {
            maximum_users: documents()
                .map(|document| document.goose.maximum_users)
                .sum(),
            total_users: documents().map(|document| document.goose.total_users).sum(),
            ..GooseFacts::default()
        },
        warnings: documents()
            .flat_map(|document| document.warnings.clone())
            .collect(),
        plan,
        pods,
        series,
        ..Document::default()
    };
    merged.warnings.sort();
    merged.warnings.dedup();
    merged.target.addresses = addresses(parts);
    merged.thresholds = rules::judge(&merged, parts)?;
    merged.exit = rules::exit(&merged, parts);
    Ok(merged)
}

fn run(parts: &[Part<'_>]) -> Run {
    let runs = || parts.iter().map(|part| &part.document.run);
    let first = parts
        .iter()
        .min_by(|a, b| a.later.total_cmp(&b.later))
        .map_or(&parts[0].document.run, |part| &part.document.run);
    let mut shards: Vec<MergedShard> = parts
        .iter()
        .map(|part| MergedShard {
            shard: part.document.run.shard.clone(),
            id: part.document.run.id.clone(),
            host: part.document.run.host.clone(),
            started_utc: part.document.run.started_utc.clone(),
            sent: part.document.totals.sent,
            generator: part.document.generator.verdict,
        })
        .collect();
    shards.sort_by(|a, b| a.shard.cmp(&b.shard).then(a.id.cmp(&b.id)));
    Run {
        cpus: runs().map(|run| run.cpus).sum(),
        ended_utc: runs()
            .map(|run| run.ended_utc.clone())
            .max()
            .unwrap_or_default(),
        unfinished: runs().any(|run| run.unfinished),
        host: None,
        shard: None,
        merged: shards,
        ..first.clone()
    }
}

/// The load of all shards together: they change at the same times, and their levels add up.
fn plan(documents: &[&Document]) -> PlanFacts {
    let mut plan = documents[0].plan.clone();
    let level = |level: fn(&Step) -> Option<f64>, at: usize| {
        let levels = documents.iter().filter_map(|d| d.plan.steps.get(at));
        levels.filter_map(level).reduce(|sum, level| sum + level)
    };
    for (at, step) in plan.steps.iter_mut().enumerate() {
        step.users = level(|step| step.users, at);
        step.rate = level(|step| step.rate, at);
    }
    plan.users = documents.iter().map(|document| document.plan.users).sum();
    plan
}

fn phases(parts: &[Part<'_>]) -> Result<Vec<PhaseResult>, String> {
    let mut names: Vec<(&str, f64)> = Vec::new();
    for part in parts {
        for phase in &part.document.phases {
            if !names.iter().any(|(name, _)| *name == phase.name) {
                names.push((&phase.name, phase.start_s));
            }
        }
    }
    names.sort_by(|a, b| a.1.total_cmp(&b.1));
    let one = |(name, _): (&str, f64)| {
        let shards: Vec<&PhaseResult> = parts
            .iter()
            .filter_map(|part| part.document.phases.iter().find(|phase| phase.name == name))
            .collect();
        let latencies: Vec<_> = shards.iter().map(|phase| &phase.latency).collect();
        Ok(PhaseResult {
            name: name.to_owned(),
            start_s: shards
                .iter()
                .map(|phase| phase.start_s)
                .fold(f64::INFINITY, f64::min),
            end_s: shards.iter().map(|phase| phase.end_s).fold(0.0, f64::max),
            users: [0, 1].map(|end| shards.iter().map(|phase| phase.users[end]).sum()),
            judged: shards.iter().any(|phase| phase.judged),
            totals: totals(shards.iter().map(|phase| &phase.totals)),
            latency: latency(&latencies)?,
        })
    };
    names.into_iter().map(one).collect()
}

fn by_n(parts: &[Part<'_>]) -> Result<Vec<NResult>, String> {
    let mut classes: BTreeMap<(usize, &str), Vec<&NResult>> = BTreeMap::new();
    for class in parts.iter().flat_map(|part| &part.document.by_n) {
        let key = (class.n_class.len(), class.n_class.as_str());
        classes.entry(key).or_default().push(class);
    }
    let one = |((_, name), shards): ((usize, &str), Vec<&NResult>)| {
        let latencies: Vec<_> = shards.iter().map(|class| &class.latency).collect();
        Ok(NResult {
            n_class: name.to_owned(),
            totals: totals(shards.iter().map(|class| &class.totals)),
            latency: latency(&latencies)?,
        })
    };
    classes.into_iter().map(one).collect()
}

fn connections(parts: &[Part<'_>]) -> Connections {
    let sum = |count: fn(&Connections) -> u64| {
        let all = parts.iter().map(|part| &part.document.connections);
        all.map(count).sum()
    };
    Connections {
        opened: sum(|c| c.opened),
        recycled_count: sum(|c| c.recycled_count),
        recycled_age: sum(|c| c.recycled_age),
        closed_by_peer: sum(|c| c.closed_by_peer),
        refused_retried: sum(|c| c.refused_retried),
        // The shards' peaks need not coincide, so this is an upper bound.
        peak_open: parts
            .iter()
            .map(|part| part.document.connections.peak_open)
            .sum(),
        dns_lookups: sum(|c| c.dns_lookups),
        failed: sum(|c| c.failed),
        tls_resumed: sum(|c| c.tls_resumed),
        resent: sum(|c| c.resent),
    }
}

fn addresses(parts: &[Part<'_>]) -> Vec<AddressResult> {
    let mut all: BTreeMap<&str, AddressResult> = BTreeMap::new();
    for address in parts
        .iter()
        .flat_map(|part| &part.document.target.addresses)
    {
        let sum = all
            .entry(&address.address)
            .or_insert_with(|| AddressResult {
                address: address.address.clone(),
                ..AddressResult::default()
            });
        sum.connections += address.connections;
        sum.failed += address.failed;
        sum.requests += address.requests;
    }
    let mut all: Vec<AddressResult> = all.into_values().collect();
    all.sort_by_key(|address| std::cmp::Reverse(address.requests));
    all
}

fn checks(parts: &[Part<'_>]) -> Vec<CheckResult> {
    let mut all: Vec<CheckResult> = Vec::new();
    for check in parts.iter().flat_map(|part| &part.document.checks) {
        match all.iter_mut().find(|other| other.check == check.check) {
            Some(sum) => {
                sum.passed += check.passed;
                sum.failed += check.failed;
            }
            None => all.push(check.clone()),
        }
    }
    all
}

#[cfg(test)]
mod tests;
