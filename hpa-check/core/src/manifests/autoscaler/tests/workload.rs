//! What the target in the input says about its pods.

use super::*;

/// The target of the autoscaler `shop` among these objects.
fn workload_of(objects: &[Value]) -> Result<Option<WorkloadManifest>, String> {
    let documents = [objects, &[autoscaler("shop", json!({}))]].concat();
    read(&documents, None).map(|manifest| manifest.workload)
}

/// The Deployment `shop` with one container of these resources.
fn with_resources(resources: Value) -> Value {
    let mut object = deployment("shop");
    object["spec"]["template"]["spec"] =
        json!({"containers": [{"name": "app", "resources": resources}]});
    object
}

#[test]
fn a_limit_range_gives_its_defaults_to_containers_without_requests_of_their_own() {
    let range = |namespace: &str, item: Value| {
        json!({"kind": "LimitRange", "metadata": {"name": "l", "namespace": namespace},
            "spec": {"limits": [{"type": "Pod", "max": {"cpu": "9"}}, item]}})
    };
    let request = |resources: Value, item: Value| {
        let objects = [with_resources(resources), range("shop", item)];
        let workload = workload_of(&objects).unwrap().unwrap();
        (workload.cpu_request(None), workload.cpu_limit(None))
    };
    let all =
        json!({"type": "Container", "defaultRequest": {"cpu": "250m"}, "default": {"cpu": "500m"}});
    let milli = |cpu: i64| Some(Millicores(cpu));
    assert_eq!(request(json!({}), all.clone()), (milli(250), milli(500)));
    assert_eq!(
        request(json!({"requests": {"cpu": "100m"}}), all.clone()),
        (milli(100), milli(500))
    );
    assert_eq!(
        request(json!({"limits": {"cpu": "400m"}}), all),
        (milli(400), milli(400))
    );
    let most = json!({"type": "Container", "max": {"cpu": "2"}});
    assert_eq!(request(json!({}), most), (milli(2000), milli(2000)));
    let least = json!({"type": "Container", "min": {"cpu": "50m"}});
    assert_eq!(request(json!({}), least), (milli(50), None));
    let mut elsewhere = autoscaler("shop", json!({}));
    elsewhere["metadata"]["namespace"] = json!("bank");
    let item = json!({"type": "Container", "defaultRequest": {"cpu": "250m"}});
    let documents = [elsewhere, with_resources(json!({})), range("shop", item)];
    let workload = read(&documents, None).unwrap().workload.unwrap();
    assert_eq!(workload.cpu_request(None), None);
}

#[test]
fn a_rollout_may_refer_to_the_template_of_a_deployment() {
    let target = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "shop"});
    let rollout = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "shop"},
        "spec": {"replicas": 4, "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"}}});
    let documents = [
        rollout,
        deployment("shop"),
        autoscaler("shop", json!({"scaleTargetRef": target})),
    ];
    let workload = read(&documents, None).unwrap().workload.unwrap();
    assert_eq!(
        (workload.name.as_str(), workload.replicas),
        ("Rollout/shop", Some(4))
    );
    assert_eq!(workload.cpu_request(None), Some(Millicores(250)));
}

#[test]
fn the_target_is_the_one_of_its_api_group() {
    let mut other = with_resources(json!({"requests": {"cpu": "900m"}}));
    other["apiVersion"] = json!("example.com/v1");
    let workload = workload_of(&[other, deployment("shop")]).unwrap().unwrap();
    assert_eq!(workload.cpu_request(None), Some(Millicores(250)));
}

#[test]
fn resources_that_the_api_server_refuses_are_refused() {
    for (resources, expected) in [
        (
            json!({"requests": {"cpu": "2x"}}),
            "has Deployment/shop with `2x` for cpu, which is not a quantity",
        ),
        (
            json!({"requests": {"cpu": "-200m"}}),
            "`-200m` for cpu: expected at least 0",
        ),
        (
            json!({"requests": {"cpu": "200m"}, "limits": {"cpu": "100m"}}),
            "a cpu request of \"200m\" in container app: expected at most its limit of \"100m\"",
        ),
    ] {
        let error = workload_of(&[with_resources(resources)]).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_simulation_says_that_a_container_without_a_request_stops_the_autoscaler() {
    let notes = |object: Value| {
        let documents = [object, autoscaler("shop", json!({}))];
        read(&documents, None)
            .unwrap()
            .on_cpu(PodRequest::default())
            .notes
            .join("; ")
    };
    let without = notes(with_resources(json!({})));
    assert!(
        without.contains("Deployment/shop has no CPU request on app"),
        "{without}"
    );
    assert_eq!(
        notes(with_resources(json!({"requests": {"cpu": "100m"}}))),
        ""
    );
    let mut shared = with_resources(json!({}));
    shared["spec"]["template"]["spec"]["resources"] = json!({"requests": {"cpu": "1"}});
    assert_eq!(notes(shared), "");
}

#[test]
fn a_missing_request_is_taken_from_the_limit() {
    let mut object = deployment("shop");
    object["spec"]["template"]["spec"] =
        json!({"containers": [{"name": "app", "resources": {"limits": {"cpu": "300m"}}}]});
    let workload = workload_of(&[object]).unwrap().unwrap();
    assert_eq!(workload.cpu_request(None), Some(Millicores(300)));
    assert_eq!(workload.ready_after, Duration::ZERO);
}
