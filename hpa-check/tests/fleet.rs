//! `hpa-check doctor -A` against an API server with many objects, unusual answers or few rights.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "fixtures/still_api.rs"]
mod still_api;

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use still_api::{Serving, StillApi, application, cluster};

/// This many autoscalers with ten pods each, in ten namespaces.
fn fleet(autoscalers: usize) -> StillApi {
    let mut api = cluster();
    for n in 0..autoscalers {
        let (space, name) = (format!("space-{}", n % 10), format!("app-{n}"));
        application(&mut api, &space, &name, 10);
    }
    api
}

/// The outcome of a check of all namespaces.
struct Look {
    code: i32,
    report: Value,
    said: String,
    peak_kib: u64,
}

impl Look {
    fn counts(&self) -> (usize, u64) {
        let autoscalers = self.report["autoscalers"].as_array().map_or(0, Vec::len);
        (autoscalers, self.report["pods"].as_u64().unwrap_or(0))
    }

    /// Found this many autoscalers and pods, and no problem.
    #[track_caller]
    fn is_healthy_with(&self, autoscalers: usize, pods: u64) {
        assert_eq!(
            (self.code, self.counts()),
            (0, (autoscalers, pods)),
            "{}",
            self.said
        );
    }

    fn unseen(&self) -> Vec<(&str, &str)> {
        let all = self.report["unseen"].as_array().unwrap();
        let text = |one: &'_ Value, key: &str| one[key].as_str().unwrap().len();
        assert!(all.iter().all(|one| text(one, "consequence") > 0));
        all.iter()
            .map(|one| {
                (
                    one["rule"].as_str().unwrap(),
                    one["error"].as_str().unwrap(),
                )
            })
            .collect()
    }
}

fn look(serving: &Serving) -> Look {
    let file = serving.file("result.json");
    let output = format!("json={}", file.display());
    let mut child = serving
        .command(&["doctor", "-A", "-o", &output])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut peak_kib = 0;
    while child.try_wait().unwrap().is_none() {
        peak_kib = peak_kib.max(peak(child.id()));
        std::thread::sleep(Duration::from_millis(2));
    }
    let done = child.wait_with_output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    let report = std::fs::read(file).unwrap_or_default();
    Look {
        code: done.status.code().unwrap(),
        report: serde_json::from_slice(&report).unwrap_or_default(),
        said: String::from_utf8_lossy(&said).into_owned(),
        peak_kib,
    }
}

/// The peak memory of a process according to Linux; 0 elsewhere.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

fn asked_for(serving: &Serving, path: &str) -> usize {
    let asked = serving.asked();
    asked
        .iter()
        .filter(|target| target.starts_with(path))
        .count()
}

#[test]
fn pods_are_read_in_pages_and_a_server_without_pages_takes_no_more_memory() {
    let paged = fleet(200).serve();
    let first = look(&paged);
    first.is_healthy_with(200, 2_000);
    assert_eq!(asked_for(&paged, "/api/v1/pods"), 4, "pages of 500");
    assert!(paged.asked().len() < 40, "{:?}", paged.asked());

    let mut api = fleet(200);
    api.ignore_limits();
    let whole = api.serve();
    let second = look(&whole);
    second.is_healthy_with(200, 2_000);
    assert_eq!(asked_for(&whole, "/api/v1/pods"), 1);
    // The pods are 9 MB of JSON.
    let more = second.peak_kib.saturating_sub(first.peak_kib);
    assert!(more < 5_000, "{more} KiB more");
}

#[test]
fn a_list_that_expires_between_two_pages_is_read_again_without_counting_anything_twice() {
    let mut api = fleet(60);
    api.once("/api/v1/pods?&limit=500&continue=500", 410, None);
    let serving = api.serve();
    let look = look(&serving);
    look.is_healthy_with(60, 600);
    assert_eq!(look.unseen(), []);
    assert_eq!(
        asked_for(&serving, "/api/v1/pods"),
        3,
        "{:?}",
        serving.asked()
    );
}

#[test]
fn a_busy_server_is_asked_again_after_the_time_it_asked_for() {
    let mut api = fleet(3);
    api.once("/api/v1/pods", 429, Some(1));
    api.once("/api/v1/pods", 429, Some(1));
    api.once("/apis/apps/v1/deployments", 503, None);
    let serving = api.serve();
    let patient = look(&serving);
    patient.is_healthy_with(3, 30);
    assert_eq!(asked_for(&serving, "/api/v1/pods"), 3);

    // A very long time is not waited for.
    let mut api = fleet(3);
    api.once("/api/v1/pods", 429, Some(3_600));
    let look = look(&api.serve());
    assert_eq!(look.code, 93, "{}", look.said);
    assert_eq!(look.unseen()[0].0, "list pods");
}

#[test]
fn with_rights_for_some_namespaces_only_those_are_read_and_the_others_are_named() {
    let limited = || {
        let mut api = fleet(20);
        for n in 0..10 {
            let name = format!("space-{n}");
            api.put("/api/v1", "namespaces", json!({"metadata": {"name": name}}));
        }
        for (api_path, plural) in [
            ("/apis/autoscaling/v2", "horizontalpodautoscalers"),
            ("/apis/apps/v1", "deployments"),
            ("/apis/metrics.k8s.io/v1beta1", "pods"),
            ("/api/v1", "pods"),
        ] {
            api.refuse(&format!("{api_path}/{plural}"), 403);
        }
        api
    };
    let everywhere = look(&limited().serve());
    everywhere.is_healthy_with(20, 200);
    assert_eq!(everywhere.unseen(), []);

    let mut api = limited();
    for n in 4..10 {
        api.refuse(
            &format!("/apis/autoscaling/v2/namespaces/space-{n}/horizontalpodautoscalers"),
            403,
        );
    }
    api.refuse("/api/v1/namespaces/space-3/pods", 403);
    let some = look(&api.serve());
    assert_eq!((some.code, some.counts()), (93, (8, 60)), "{}", some.said);
    let unseen = some.unseen();
    assert_eq!(unseen[0].0, "list horizontalpodautoscalers.autoscaling");
    assert!(
        unseen[0].1.starts_with(
            "not in 6 of 10 namespaces (space-4, space-5, space-6, space-7, space-8, space-9): "
        ),
        "{unseen:?}"
    );
    assert_eq!(unseen[1].0, "list pods");
    assert!(
        unseen[1]
            .1
            .starts_with("not in 1 of 4 namespaces (space-3): "),
        "{unseen:?}"
    );

    // Without any right, the error names the rights to grant.
    let mut api = limited();
    api.refuse("/api/v1/namespaces", 403);
    let none = look(&api.serve());
    assert_eq!(none.code, 90, "{}", none.said);
    assert!(
        none.said
            .contains("grant list on horizontalpodautoscalers.autoscaling"),
        "{}",
        none.said
    );
}

#[test]
fn pods_without_samples_are_found_in_their_namespaces_only() {
    let mut api = fleet(20);
    // A metrics server that can't reach the nodes of half of the cluster leaves their pods out.
    api.keep("/apis/metrics.k8s.io/v1beta1/pods", |namespace| {
        namespace < "space-5"
    });
    let look = look(&api.serve());
    let all = look.report["autoscalers"].as_array().unwrap();
    for one in all {
        let is_measured = one["namespace"].as_str().unwrap() < "space-5";
        let is_sound = one["findings"].as_array().unwrap().is_empty();
        assert_eq!(is_sound, is_measured, "{one}");
    }
    assert_eq!(all.len(), 20);
}

#[test]
fn targets_of_a_custom_kind_are_read_in_parallel_and_their_kind_is_looked_up_once() {
    let mut api = fleet(0);
    let kind = json!({"kind": "APIResourceList", "groupVersion": "argoproj.io/v1alpha1", "resources": [
        {"name": "rollouts", "singularName": "rollout", "namespaced": true, "kind": "Rollout", "verbs": ["get", "list"]},
        {"name": "rollouts/scale", "singularName": "", "namespaced": true, "kind": "Scale", "verbs": ["get"]}]});
    api.answer("/apis/argoproj.io/v1alpha1", kind);
    for n in 0..100 {
        let name = format!("app-{n}");
        application(&mut api, "shop", &name, 3);
        let path = format!("/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/{name}");
        api.answer(
            &path,
            json!({"metadata": {"name": name, "namespace": "shop"}, "spec": {"replicas": 3}}),
        );
        api.answer(
            &format!("{path}/scale"),
            json!({"metadata": {"name": name, "namespace": "shop"},
            "spec": {"replicas": 3}, "status": {"replicas": 3, "selector": format!("app={name}")}}),
        );
    }
    api.change("/apis/autoscaling/v2/horizontalpodautoscalers", |object| {
        object["spec"]["scaleTargetRef"]["apiVersion"] = json!("argoproj.io/v1alpha1");
        object["spec"]["scaleTargetRef"]["kind"] = json!("Rollout");
    });
    for path in [
        "/apis/apps/v1/statefulsets",
        "/api/v1/replicationcontrollers",
    ] {
        api.answer(path, json!({"items": []}));
    }
    api.hold("/rollouts/", Duration::from_millis(100));
    let serving = api.serve();
    let look = look(&serving);
    assert_eq!(look.counts(), (100, 300), "{}", look.said);
    assert_eq!(look.unseen(), []);
    let asked = serving.asked();
    let lookups = asked
        .iter()
        .filter(|path| path.starts_with("/apis/argoproj.io/v1alpha1"));
    let (objects, lookups): (Vec<&String>, Vec<&String>) =
        lookups.partition(|path| path.contains("/rollouts/"));
    assert_eq!((objects.len(), lookups.len()), (200, 1), "{lookups:?}");
    let most = serving.most_held();
    assert!((16..=64).contains(&most), "{most} at once");
}

#[test]
fn a_stopped_check_ends_at_once_and_leaves_no_report() {
    let mut api = fleet(3);
    api.hold("/api/v1/pods", Duration::from_mins(1));
    let serving = api.serve();
    let file = serving.file("result.json");
    let mut child = serving
        .command(&["doctor", "-A", "-o", &format!("json={}", file.display())])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while asked_for(&serving, "/api/v1/pods") == 0 {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::sleep(Duration::from_millis(5));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(105), "{said}");
    assert!(
        said.contains("interrupted before everything was read"),
        "{said}"
    );
    assert!(!file.exists());
}
