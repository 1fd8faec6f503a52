# Rules for every pod and its image.
package main

import rego.v1

# Finds the pod template in a Deployment, Job, CronJob or AnalysisTemplate.
pod_specs contains value if {
	walk(input, [_, value])
	is_array(value.containers)
}

deny contains message if {
	some pod_spec in pod_specs
	some container in pod_spec.containers
	not contains(container.image, "@sha256:")
	not regex.match(`:[^/:]+$`, container.image)
	message := sprintf("%s %s: image %s has neither tag nor digest", [input.kind, input.metadata.name, container.image])
}

deny contains message if {
	some pod_spec in pod_specs
	some container in pod_spec.containers
	endswith(container.image, ":latest")
	message := sprintf("%s %s: image %s uses the tag latest", [input.kind, input.metadata.name, container.image])
}

# A container without a request has no utilization and stops the autoscaler.
deny contains message if {
	some pod_spec in pod_specs
	some container in pod_spec.containers
	not container.resources.requests.cpu
	message := sprintf("%s %s: container %s has no CPU request", [input.kind, input.metadata.name, container.name])
}

deny contains message if {
	some pod_spec in pod_specs
	some container in pod_spec.containers
	not container.resources.limits.memory
	message := sprintf("%s %s: container %s has no memory limit", [input.kind, input.metadata.name, container.name])
}

deny contains message if {
	some pod_spec in pod_specs
	not pod_spec.securityContext.runAsNonRoot
	message := sprintf("%s %s: runs as root", [input.kind, input.metadata.name])
}

deny contains message if {
	some pod_spec in pod_specs
	some container in pod_spec.containers
	not container.securityContext.readOnlyRootFilesystem
	message := sprintf("%s %s: container %s has a writable root", [input.kind, input.metadata.name, container.name])
}

# Clusters can have Windows nodes.
deny contains message if {
	some pod_spec in pod_specs
	not pod_spec.nodeSelector["kubernetes.io/os"] == "linux"
	message := sprintf("%s %s: its pods do not select Linux nodes", [input.kind, input.metadata.name])
}

# Not every network plugin supports named ports: OVN-Kubernetes does not.
deny contains message if {
	input.kind == "NetworkPolicy"
	walk(input.spec, [_, value])
	some port in value.ports
	not is_number(port.port)
	message := sprintf("NetworkPolicy %s: port %v is not a number", [input.metadata.name, port.port])
}

# A rule for IPv4 alone blocks everything on an IPv6 cluster.
deny contains message if {
	input.kind == "NetworkPolicy"
	walk(input.spec, [_, value])
	value.ipBlock.cidr == "0.0.0.0/0"
	not whole_of_ipv6
	message := sprintf("NetworkPolicy %s: 0.0.0.0/0 without ::/0", [input.metadata.name])
}

whole_of_ipv6 if {
	walk(input.spec, [_, value])
	value.ipBlock.cidr == "::/0"
}
