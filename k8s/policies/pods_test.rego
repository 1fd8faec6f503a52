package main

import rego.v1

sound := {
	"nodeSelector": {"kubernetes.io/os": "linux"},
	"securityContext": {"runAsNonRoot": true},
	"containers": [{
		"name": "server", "image": "localhost/server:1",
		"resources": {"requests": {"cpu": "1m"}, "limits": {"memory": "1Mi"}},
		"securityContext": {"readOnlyRootFilesystem": true},
	}],
}

deployment(pod) := {"kind": "Deployment", "metadata": {"name": "a"}, "spec": {"template": {"spec": pod}}}

nightly(pod) := {"kind": "CronJob", "metadata": {"name": "a"}, "spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}}

changed(path, value) := json.patch(sound, [{"op": "replace", "path": path, "value": value}])

test_as_it_has_to_be if count(deny) == 0 with input as deployment(sound)

test_a_pod_of_a_nightly_job_is_held_to_it_too if {
	count(deny) == 1 with input as nightly(changed("/securityContext/runAsNonRoot", false))
}

test_an_image_without_tag if count(deny) == 1 with input as deployment(changed("/containers/0/image", "localhost:5000/server"))

test_an_image_that_is_whatever_came_last if {
	count(deny) == 1 with input as deployment(changed("/containers/0/image", "server:latest"))
}

test_no_cpu_request if count(deny) == 1 with input as deployment(changed("/containers/0/resources/requests", {}))

test_no_memory_limit if count(deny) == 1 with input as deployment(changed("/containers/0/resources/limits", {}))

test_a_root_that_may_be_written if {
	count(deny) == 1 with input as deployment(changed("/containers/0/securityContext/readOnlyRootFilesystem", false))
}

test_a_pod_that_may_go_to_a_windows_node if count(deny) == 1 with input as deployment(changed("/nodeSelector", {}))

policy(rule) := {"kind": "NetworkPolicy", "metadata": {"name": "a"}, "spec": {"egress": [rule]}}

test_a_policy_as_it_has_to_be if count(deny) == 0 with input as policy({"ports": [{"port": 53}]})

test_a_named_port_in_a_policy if count(deny) == 1 with input as policy({"ports": [{"port": "http"}]})

test_the_whole_of_ipv4_alone if count(deny) == 1 with input as policy({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]})

test_the_whole_of_both if {
	count(deny) == 0 with input as policy({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}}]})
}
