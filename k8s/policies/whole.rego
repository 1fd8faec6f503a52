# Rules across the whole render; run with --combine.
package whole

import rego.v1

objects := [file.contents | some file in input]

deny contains message if {
	some autoscaler in objects
	autoscaler.kind == "HorizontalPodAutoscaler"
	some target in objects
	target.kind == autoscaler.spec.scaleTargetRef.kind
	target.metadata.name == autoscaler.spec.scaleTargetRef.name
	"replicas" in object.keys(target.spec)
	message := sprintf("%s %s: the autoscaler owns replicas; an apply would reset them", [target.kind, target.metadata.name])
}

deny contains message if {
	some autoscaler in objects
	autoscaler.kind == "HorizontalPodAutoscaler"
	found := [target |
		some target in objects
		target.kind == autoscaler.spec.scaleTargetRef.kind
		target.metadata.name == autoscaler.spec.scaleTargetRef.name
	]
	count(found) != 1
	message := sprintf("autoscaler %s: its target %s is rendered %v times", [
		autoscaler.metadata.name, autoscaler.spec.scaleTargetRef.name, count(found),
	])
}

# If two autoscalers' targets select the same pods, the controller stops both.
deny contains message if {
	some i, one in objects
	some j, other in objects
	i < j
	one.kind == "Deployment"
	other.kind == "Deployment"
	one.metadata.namespace == other.metadata.namespace
	every key, value in one.spec.selector.matchLabels {
		other.spec.template.metadata.labels[key] == value
	}
	message := sprintf("Deployment %s also selects the pods of %s", [one.metadata.name, other.metadata.name])
}

deny contains message if {
	some namespace in objects
	namespace.kind == "Namespace"
	namespace.metadata.labels["pod-security.kubernetes.io/enforce"] != "restricted"
	message := sprintf("Namespace %s: does not enforce the restricted Pod Security Standard", [namespace.metadata.name])
}

deny contains "no policy denies what no other allows" if {
	not denies_by_default
}

denies_by_default if {
	some policy in objects
	policy.kind == "NetworkPolicy"
	policy.spec.podSelector == {}
	{"Ingress", "Egress"} == {direction | some direction in policy.spec.policyTypes}
	not policy.spec.ingress
	not policy.spec.egress
}
