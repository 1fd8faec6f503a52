package whole

import rego.v1

deployment(name, labels) := {"kind": "Deployment", "metadata": {"name": name, "namespace": "fib"}, "spec": {
	"selector": {"matchLabels": labels},
	"template": {"metadata": {"labels": labels}},
}}

autoscaler(target) := {"kind": "HorizontalPodAutoscaler", "metadata": {"name": target}, "spec": {"scaleTargetRef": {
	"kind": "Deployment", "name": target,
}}}

closed := {"kind": "NetworkPolicy", "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}

rendered(objects) := [{"contents": object} | some object in objects]

test_one_of_each if {
	count(deny) == 0 with input as rendered([deployment("a", {"app": "a"}), autoscaler("a"), closed])
}

test_replicas_under_an_autoscaler if {
	fixed := json.patch(deployment("a", {"app": "a"}), [{"op": "add", "path": "/spec/replicas", "value": 3}])
	count(deny) == 1 with input as rendered([fixed, autoscaler("a"), closed])
}

test_two_colours_with_one_selector if {
	count(deny) == 1 with input as rendered([deployment("a", {"app": "a"}), deployment("b", {"app": "a"}), closed])
}

test_two_colours_with_their_own if {
	count(deny) == 0 with input as rendered([
		deployment("a", {"app": "a", "color": "blue"}), deployment("b", {"app": "a", "color": "green"}), closed,
	])
}

test_open_network if count(deny) == 1 with input as rendered([deployment("a", {"app": "a"})])
