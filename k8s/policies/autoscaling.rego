# The project's autoscaling rules, checked on every rendered object.
package main

import rego.v1

is_server(name) if startswith(name, "fib-server")

deny contains message if {
	input.kind == "HorizontalPodAutoscaler"
	is_server(input.metadata.name)
	[input.spec.minReplicas, input.spec.maxReplicas] != [3, 10]
	message := sprintf("autoscaler %s: bounds are %v..%v, expected 3..10", [
		input.metadata.name, input.spec.minReplicas, input.spec.maxReplicas,
	])
}

deny contains message if {
	input.kind == "HorizontalPodAutoscaler"
	is_server(input.metadata.name)
	not holds_half_the_cpu_request
	message := sprintf("autoscaler %s: its only metric must be CPU at 50 %% of the request", [input.metadata.name])
}

holds_half_the_cpu_request if {
	count(input.spec.metrics) == 1
	metric := input.spec.metrics[0]
	metric.type == "Resource"
	metric.resource.name == "cpu"
	metric.resource.target == {"type": "Utilization", "averageUtilization": 50}
}

# Without it the controller uses its legacy path, with a capped step and a window that can raise replicas.
deny contains message if {
	input.kind == "HorizontalPodAutoscaler"
	not input.spec.behavior.scaleUp.policies
	message := sprintf("autoscaler %s: behavior.scaleUp is not set", [input.metadata.name])
}

deny contains message if {
	input.kind == "HorizontalPodAutoscaler"
	not input.spec.behavior.scaleDown.policies
	message := sprintf("autoscaler %s: behavior.scaleDown is not set", [input.metadata.name])
}

# A vertical autoscaler would change the request, and with it the meaning of 50 %.
deny contains message if {
	input.kind == "VerticalPodAutoscaler"
	message := sprintf("%s: no vertical autoscaler next to a horizontal one", [input.metadata.name])
}

deny contains message if {
	startswith(input.apiVersion, "autoscaling.k8s.io/")
	message := sprintf("%s %s: no vertical autoscaler next to a horizontal one", [input.kind, input.metadata.name])
}
