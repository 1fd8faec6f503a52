# Targets for people and CI. Works with GNU make 3.81 (macOS) and any POSIX shell.

.POSIX:
.SUFFIXES:
.DEFAULT_GOAL := help

# Settings, from the environment or the command line: ENGINE=none make image, or make image ENGINE=none. They
# reach the scripts through the environment unchanged; neither make nor a shell expands them.
#   E2E_KUBECONFIG  a cluster for make e2e to use, instead of starting one
#   TARGET          the URL of Service fib/fib-server, if its cluster IP can't be reached from here
#   K8S             a Kubernetes version from e2e/cluster/versions: make e2e K8S=1.37
#   CASES           flags of make decide: make decide CASES="-cases 20000 -seed 1"
#   DEMO            more flags for make demo: make demo DEMO="--cpu-request 2000m"
#   PROFILE         how make programs compiles: quick, or release as for images and releases
#   ENGINE          how make image builds: docker, podman, buildah, or none for a static build here
#   CLUSTER, PARTS  the cluster for make manifests-cluster, a program or kind, and which of k8s/tests/parts to run
#   FIB_SERVER      the server binary for make dashboards
#   IMAGE, OVERLAY  what make deploy deploys; KUBECONFIG or CONTEXT selects the cluster, UNSIGNED=yes skips verification
#   RUNBOOKS        the URL of the runbooks for make rules
#   BASE            the commit that make gate compares with, and make flamegraphs draws too
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
demo-short: programs ## A shorter rehearsal for CI, with less time idle and at the maximum
	@mkdir -p target/demo
	@set -f; exec target/programs/hpa-check rehearse --exit-with-parent --short $(results) $$DEMO

.PHONY: test
test: check-tools ## Run every test that needs no root and no cluster
	cargo test --workspace --locked
	.ci/tests/run

.PHONY: e2e
e2e: check-tools ## Run the end-to-end test on a Kubernetes that it starts (root, Go), or on E2E_KUBECONFIG=FILE
	$(if $(filter command%,$(origin KUBECONFIG)),$(error make e2e loads and changes a cluster, so it has a variable of its own: E2E_KUBECONFIG=FILE))
	@e2e/run

.PHONY: e2e-kind
e2e-kind: check-tools ## Run the end-to-end test on a temporary kind cluster (needs Docker and kind)
	@e2e/kind

.PHONY: scenarios
scenarios: check-tools ## Run broken and healthy autoscalers in a real control plane, without root (needs Go)
	@e2e/scenarios/run

.PHONY: fleet
fleet: check-tools ## Run doctor over a fleet with and without faults in a real control plane, without root (needs Go, Python)
	@e2e/build && .ci/programs && e2e/scale-test fleet

.PHONY: scenarios-repeat
scenarios-repeat: check-tools ## Run the scenarios 20 times in a row under CPU load (about an hour, needs Go)
	@e2e/scenarios/repeat 20

.PHONY: pages
pages: programs ## Test the HTML reports in a headless Chromium: light, dark, wide, narrow (needs Node)
	@hpa-check/tests/page/run target/programs/hpa-check target/programs/fib-loadgen

.PHONY: prometheus
prometheus: programs ## Simulate a week of load out of a real Prometheus (Debian's package)
	@k8s/tests/tools prometheus promtool
	@hpa-check/tests/prometheus/run target/programs/hpa-check

.PHONY: gallery
gallery: ## Make the recordings of the gallery again that the tests' worlds make, into docs/gallery
	@docs/site/recordings

.PHONY: site
site: programs ## Build the documentation and the gallery of findings into target/site, and check the links (Python)
	@docs/site/build target/programs/hpa-check

.PHONY: decide
decide: programs ## Compare hpa-check with the controller's own code on random cases (needs Go)
	@set -f; e2e/cluster/decide/run $$CASES

.PHONY: faults
faults: check-tools ## Kill each part of a real cluster during a run (root)
	@e2e/faults

.PHONY: other-application
other-application: check-tools ## Check another application on a real cluster, loaded by a command and by Jobs (root)
	@e2e/other-application

.PHONY: teardown
teardown: check-tools ## End clusters in every way, and check that nothing is left on the machine (root)
	@e2e/teardown

.PHONY: api
api: programs ## Test fib-server against its OpenAPI document, with valid and invalid requests (Python, schemathesis)
	@fib-server/tests/api target/programs/fib-server
	@fib-server/tests/api target/programs/fib-server --compress --cors-origins '*'

# Selected attacks, by name: make attacks ATTACKS="--short windows-of-zero"
ATTACKS =

.PHONY: attacks
attacks: programs ## Attack fib-server with slow, greedy and many clients, limited to 128 MiB if run as root (Python)
	@fib-server/tests/attacks/run target/programs/fib-server $(ATTACKS)

.PHONY: bench
bench: check-tools ## Benchmark the programs against their peers, into bench/RESULTS.md (idle Linux machine, 15 minutes; Go, Python, wrk)
	@bench/run

.PHONY: bench-build
bench-build: check-tools ## Build what make bench measures
	@bench/run --build

.PHONY: bench-doctor
bench-doctor: programs ## Measure doctor on up to 10,000 autoscalers: time and peak memory against the goals (Linux)
	@bench/run --busy --programs target/programs doctor

.PHONY: loadgen-accuracy
loadgen-accuracy: check-tools ## Test the accuracy of fib-loadgen: stalls, rates, its own limits, users, memory (20 minutes)
	@bench/run --long accuracy

.PHONY: gate
gate: check-tools ## Fail if a hot path takes 5 % more instructions than on the base commit (valgrind; BASE=COMMIT)
	@bench/gate $(if $(BASE),--base "$$BASE")

.PHONY: flamegraphs
flamegraphs: check-tools ## Draw flame graphs of the hot paths into target/bench (perf; BASE=COMMIT)
	@bench/flame $(if $(BASE),--base "$$BASE")

# Seconds per target, and which targets: make fuzz FUZZ="600 http2"
FUZZ = 60

.PHONY: fuzz
fuzz: check-tools ## Fuzz fib-server's input: queries, HTTP/1 and HTTP/2, a minute each (C++ compiler)
	@fib-server/fuzz/run $(FUZZ)

.PHONY: lint
lint: check-tools ## Check formatting, import cycles, the links of the docs, clippy warnings and, with cargo-deny, licenses
	cargo fmt --all --check
	.ci/import-cycles
	docs/site/pages target/site-source
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@if cargo deny --version >/dev/null 2>&1; then \
		cargo deny --locked check bans licenses sources; \
	else \
		echo 'make: cargo-deny is not installed, so licenses and sources are not checked: cargo install cargo-deny --locked' >&2; \
	fi

.PHONY: programs
programs: check-tools ## Build the three programs into target/programs; PROFILE=release optimizes everything
	@.ci/programs

# aws-lc-sys, a dependency of goose's TLS, compiles C but needs no cmake on Linux and macOS.
.PHONY: check-tools
check-tools: ## List missing build tools, and the commands that install them
	@sh .ci/check-tools

# ---- delivery: the logic is in the scripts, so that every pipeline calls the same.

.PHONY: image
image: ## Build the three images into target/image (ENGINE=docker|podman|buildah|none)
	@k8s/image/build

.PHONY: image-test
image-test: ## Check the images: size, user, labels, licenses, no shell, reproducible digest
	@k8s/image/test --twice

.PHONY: sbom
sbom: ## Write the programs' SBOMs to target/sbom (CycloneDX)
	@k8s/image/sbom

.PHONY: sign
sign: ## Sign and verify the images and SBOMs, with COSIGN_KEY=FILE or a new key
	@k8s/image/sign

.PHONY: sign-test
sign-test: ## Test signing with a registry on loopback: signed images pass, others are rejected
	@k8s/tests/signatures

.PHONY: rules
rules: ## Generate the PrometheusRule from its rules (RUNBOOKS=https://… for links on the web)
	@k8s/components/monitoring/build

.PHONY: manifests
manifests: ## Check all of k8s/ without a cluster: schemas, policies, chart, network, rules, lint
	@k8s/tests/manifests

.PHONY: manifests-cluster
manifests-cluster: ## Check k8s/ on a real cluster, after image and manifests (root, or CLUSTER=kind; PARTS="tls backup")
	@k8s/tests/cluster

.PHONY: dashboards
dashboards: programs ## Run every dashboard query on a Prometheus that scrapes servers under load
	@k8s/tests/tools prometheus
	@k8s/tests/dashboards "$${FIB_SERVER:-target/programs/fib-server}"

.PHONY: deploy
deploy: ## Deploy the signed IMAGE with the overlay OVERLAY; rolls back if it fails
	@k8s/deploy
