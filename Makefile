# What people and CI call. Works with GNU make 3.81 (macOS) and any POSIX shell.

.POSIX:
.SUFFIXES:
.DEFAULT_GOAL := help

# Settings, from the environment or the command line: ENGINE=none make image, or make image ENGINE=none. They
# reach the scripts through the environment exactly as written; neither make nor a shell expands them.
#   E2E_KUBECONFIG  the cluster that make e2e may load, instead of one of its own
#   TARGET          the address of its Service fib/fib-server, if the Service's own can't be reached from here
#   K8S             a Kubernetes version from e2e/cluster/versions: make e2e K8S=1.37
#   CASES           flags of make decide: make decide CASES="-cases 20000 -seed 1"
#   DEMO            more flags for make demo: make demo DEMO="--cpu-request 2000m"
#   PROFILE         how make programs compiles: quick, or release as images and releases do
#   ENGINE          how make image builds: docker, podman, buildah, or none for a static build here
#   CLUSTER, PARTS  where make manifests-cluster runs, a program or kind, and which of k8s/tests/parts
#   FIB_SERVER      the server that make dashboards loads
#   IMAGE, OVERLAY  what make deploy deploys; KUBECONFIG or CONTEXT names the cluster, UNSIGNED=yes verifies nothing
#   RUNBOOKS        the address of the runbooks for make rules
#   BASE            the commit that make gate compares with
settings := E2E_KUBECONFIG TARGET K8S CASES DEMO PROFILE ENGINE CLUSTER PARTS FIB_SERVER IMAGE OVERLAY UNSIGNED CONTEXT \
	RUNBOOKS BASE COSIGN_KEY COSIGN_PASSWORD
defined := $(foreach name,$(settings),$(if $(filter undefined,$(origin $(name))),,$(name)))
$(foreach name,$(defined),$(eval override $(name) := $$(value $(name))))
export $(defined)

results = -o json=target/demo/result.json -o html=target/demo/report.html \
	-o svg=target/demo/timeline.svg -o trace=target/demo/trace.jsonl \
	--load-result target/demo/load.json

.PHONY: help
help: ## List the targets
	@echo 'Usage: make TARGET'
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-18s %s\n", $$1, $$2}' Makefile

.PHONY: demo
demo: programs ## Build, then rehearse 3 -> 10 -> 3 on this machine; report in target/demo/
	@mkdir -p target/demo
	@set -f; exec target/programs/hpa-check rehearse --exit-with-parent $(results) $$DEMO

.PHONY: demo-short
demo-short: programs ## The same with less time at rest and at the top, for CI
	@mkdir -p target/demo
	@set -f; exec target/programs/hpa-check rehearse --exit-with-parent --short $(results) $$DEMO

.PHONY: test
test: check-tools ## Every test that needs no root and no cluster
	cargo test --workspace --locked
	.ci/tests/run

.PHONY: e2e
e2e: check-tools ## The proof on a real Kubernetes that it starts itself (root, Go), or on E2E_KUBECONFIG=FILE
	$(if $(filter command%,$(origin KUBECONFIG)),$(error make e2e loads and changes a cluster, so it has a variable of its own: E2E_KUBECONFIG=FILE))
	@e2e/run

.PHONY: e2e-kind
e2e-kind: check-tools ## The same on a kind cluster that it makes and deletes (needs Docker and kind)
	@e2e/kind

.PHONY: scenarios
scenarios: check-tools ## Broken and sound autoscalers in a real control plane, without root (needs Go)
	@e2e/scenarios/run

.PHONY: scenarios-repeat
scenarios-repeat: check-tools ## The same 20 times in a row on a machine that it keeps busy (about an hour, needs Go)
	@e2e/scenarios/repeat 20

.PHONY: pages
pages: programs ## Open the pages of hpa-check and fib-loadgen in a headless Chromium: light, dark, wide, narrow (needs Node)
	@hpa-check/tests/page/run target/programs/hpa-check target/programs/fib-loadgen

.PHONY: prometheus
prometheus: programs ## Simulate a week of load out of a real Prometheus (Debian's package)
	@k8s/tests/tools prometheus promtool
	@hpa-check/tests/prometheus/run target/programs/hpa-check

.PHONY: site
site: programs ## Build the documentation and the gallery of findings into target/site, and check the links (Python)
	@docs/site/build target/programs/hpa-check

.PHONY: decide
decide: programs ## Ask the controller's own code and hpa-check the same random questions (needs Go)
	@set -f; e2e/cluster/decide/run $$CASES

.PHONY: faults
faults: check-tools ## Kill each part of a real cluster in the middle of a run (root)
	@e2e/faults

.PHONY: other-application
other-application: check-tools ## Check an application that is not fib-server on a real cluster, loaded by a command and by Jobs (root)
	@e2e/other-application

.PHONY: teardown
teardown: check-tools ## End clusters in every way, side by side, and compare the machine with before (root)
	@e2e/teardown

.PHONY: api
api: programs ## Ask fib-server all that its OpenAPI document allows and forbids (Python, schemathesis)
	@fib-server/tests/api target/programs/fib-server
	@fib-server/tests/api target/programs/fib-server --compress --cors-origins '*'

# Some of its attacks, by name: make attacks ATTACKS="--short windows-of-zero"
ATTACKS =

.PHONY: attacks
attacks: programs ## Attack fib-server with slow, greedy and countless clients, in 128 MiB where root can limit it (Python)
	@fib-server/tests/attacks/run target/programs/fib-server $(ATTACKS)

.PHONY: bench
bench: check-tools ## Measure the programs against their peers into bench/RESULTS.md (a quiet Linux machine, 15 minutes; Go, Python, wrk)
	@bench/run

.PHONY: bench-build
bench-build: check-tools ## Only build what make bench measures
	@bench/run --build

.PHONY: loadgen-accuracy
loadgen-accuracy: check-tools ## Whether fib-loadgen's numbers are right: stalls, rates, its own limits, users, memory (15 minutes)
	@bench/run --long accuracy

.PHONY: gate
gate: check-tools ## Fail when a hot path takes 5 % more instructions than on the base commit (valgrind; BASE=COMMIT)
	@bench/gate $(if $(BASE),--base "$$BASE")

.PHONY: flamegraphs
flamegraphs: check-tools ## Draw where the hot paths spend their time into target/bench (perf)
	@bench/flame

# Seconds for each target, and which: make fuzz FUZZ="600 http2"
FUZZ = 60

.PHONY: fuzz
fuzz: check-tools ## Fuzz what fib-server reads: queries, HTTP/1 and HTTP/2, for a minute each (a C++ compiler)
	@fib-server/fuzz/run $(FUZZ)

.PHONY: lint
lint: check-tools ## Formatting, import cycles, clippy with warnings as errors, and licences when cargo-deny is installed
	cargo fmt --all --check
	.ci/import-cycles
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@if cargo deny --version >/dev/null 2>&1; then \
		cargo deny --locked check bans licenses sources; \
	else \
		echo 'make: cargo-deny is not installed, so licences and sources are not checked: cargo install cargo-deny --locked' >&2; \
	fi

.PHONY: programs
programs: check-tools ## Build the three programs into target/programs, quickly; PROFILE=release optimizes all
	@.ci/programs

# aws-lc-sys, which comes with goose's TLS, compiles C but needs no cmake on Linux and macOS.
.PHONY: check-tools
check-tools: ## Say what this machine lacks to build, and the command that installs it
	@sh .ci/check-tools

# ---- delivery: the logic is in the scripts, so that every pipeline calls the same.

.PHONY: image
image: ## Make the three images in target/image (ENGINE=docker|podman|buildah|none)
	@k8s/image/build

.PHONY: image-test
image-test: ## Hold the images to their size, user, labels, licences, no shell, and one digest
	@k8s/image/test --twice

.PHONY: sbom
sbom: ## Write what the programs are made of to target/sbom (CycloneDX)
	@k8s/image/sbom

.PHONY: sign
sign: ## Sign the images and the SBOMs with a key, COSIGN_KEY=FILE or one made here, and verify them
	@k8s/image/sign

.PHONY: sign-test
sign-test: ## Sign an image in a registry on loopback, verify it, and have what is not signed refused
	@k8s/tests/signatures

.PHONY: rules
rules: ## Make the PrometheusRule from its rules (RUNBOOKS=https://… for links on the web)
	@k8s/components/monitoring/build

.PHONY: manifests
manifests: ## Check all of k8s/ without a cluster: schemas, policies, chart, network, rules, lint
	@k8s/tests/manifests

.PHONY: manifests-cluster
manifests-cluster: ## Check k8s/ on a real cluster, after image and manifests (root, or CLUSTER=kind; PARTS="tls backup")
	@k8s/tests/cluster

.PHONY: dashboards
dashboards: programs ## Run every query of the dashboards on a Prometheus that scrapes a loaded server
	@k8s/tests/tools prometheus
	@k8s/tests/dashboards "$${FIB_SERVER:-target/programs/fib-server}"

.PHONY: deploy
deploy: ## Deploy the signed IMAGE with the overlay OVERLAY, and roll back if it does not answer
	@k8s/deploy
