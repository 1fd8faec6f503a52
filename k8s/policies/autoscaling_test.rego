package main

import rego.v1

good := {
	"kind": "HorizontalPodAutoscaler",
	"apiVersion": "autoscaling/v2",
	"metadata": {"name": "fib-server"},
	"spec": {
		"minReplicas": 3, "maxReplicas": 10,
		"metrics": [{"type": "Resource", "resource": {
			"name": "cpu",
			"target": {"type": "Utilization", "averageUtilization": 50},
		}}],
		"behavior": {"scaleUp": {"policies": []}, "scaleDown": {"policies": []}},
	},
}

test_as_promised if count(deny) == 0 with input as good

test_another_maximum if {
	count(deny) == 1 with input as json.patch(good, [{"op": "replace", "path": "/spec/maxReplicas", "value": 12}])
}

test_another_target if {
	path := "/spec/metrics/0/resource/target/averageUtilization"
	count(deny) == 1 with input as json.patch(good, [{"op": "replace", "path": path, "value": 80}])
}

test_no_behavior if {
	count(deny) == 2 with input as json.patch(good, [{"op": "remove", "path": "/spec/behavior"}])
}

test_vertical if {
	count(deny) > 0 with input as {
		"kind": "VerticalPodAutoscaler",
		"apiVersion": "autoscaling.k8s.io/v1",
		"metadata": {"name": "fib-server"},
	}
}
