"""An API server that answers from memory, as large as wanted, on loopback."""

import gzip
import json
import os
import pathlib
import re
import subprocess
import tempfile
import threading
import time
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from .machine import CLIENT_CORE, pinned

LONG_AGO = "2026-01-01T00:00:00Z"
NAMESPACES = 20
# What is listed by path: API version, kind.
KINDS = {
    "autoscaling/v2": ["HorizontalPodAutoscaler"],
    "apps/v1": ["Deployment", "ReplicaSet", "StatefulSet"],
    "v1": ["Pod", "Event", "Node", "ResourceQuota", "Namespace", "LimitRange"],
    "policy/v1": ["PodDisruptionBudget"],
    "metrics.k8s.io/v1beta1": ["PodMetrics"],
    "apiregistration.k8s.io/v1": ["APIService"],
}
PLURALS = {"PodMetrics": "pods"}


def plural(kind):
    return PLURALS.get(kind, kind.lower() + "s")


class Api:
    """Serves so many autoscalers and pods for the length of a with block."""

    def __init__(self, autoscalers, pods):
        self.lists = {}
        self.add("v1", "nodes", [node()])
        self.add("apiregistration.k8s.io/v1", "apiservices", [api_service()])
        for number in range(autoscalers):
            for version, name, made in application(number, pods // autoscalers):
                self.add(version, name, made)

    def add(self, version, name, objects):
        """Keeps objects as the text that is sent, so that answering takes next to nothing."""
        kept = self.lists.setdefault((version, name), [])
        for made in objects:
            metadata = made["metadata"]
            kept.append((metadata.get("namespace"), metadata["name"], json.dumps(made)))

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        lists = self.lists
        self.asked = asked = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                asked.append(self.path)
                status, body = answer(lists, self.path)
                data = body.encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                if "gzip" in self.headers.get("Accept-Encoding", "") and len(data) > 1024:
                    data = gzip.compress(data, 1)
                    self.send_header("Content-Encoding", "gzip")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_POST(self):
                length = int(self.headers.get("Content-Length", 0))
                review = json.loads(self.rfile.read(length) or b"{}")
                review["status"] = {"allowed": True}
                data = json.dumps(review).encode()
                self.send_response(201)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.config = pathlib.Path(self.folder.name) / "kubeconfig"
        self.config.write_text(json.dumps(kubeconfig(self.server.server_address[1])))
        return self

    def run(self, command):
        """Seconds, the peak of resident memory in MB, and the exit code of a command that asks this server."""
        env = dict(os.environ, KUBECONFIG=str(self.config))
        begun = time.monotonic()
        process = subprocess.Popen(
            pinned(CLIENT_CORE, command),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return time.monotonic() - begun, usage.ru_maxrss / 1e3, process.returncode

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.folder.cleanup()


def answer(lists, path):
    """The status and the body for a GET."""
    parts = urlsplit(path)
    query = parse_qs(parts.query)
    if parts.path in DISCOVERY:
        return 200, json.dumps(DISCOVERY[parts.path])
    pattern = r"/apis?/((?:[^/]+/)?v[^/]+)(?:/namespaces/([^/]+))?(?:/([^/]+))?(?:/([^/]+))?"
    found = re.fullmatch(pattern, parts.path)
    version, namespace, name, one = found.groups() if found else (None,) * 4
    if name is None and namespace is None and version in KINDS:
        return 200, json.dumps(resources(version))
    kind = next((k for k in KINDS.get(version, []) if plural(k) == name), None)
    if kind is None:
        return missing(path)
    items = lists.get((version, name), [])
    if namespace:
        items = [item for item in items if item[0] == namespace]
    head = f'"apiVersion":"{version}","kind":"{kind}'
    if one:
        text = next((item[2] for item in items if item[1] == one), None)
        return (200, f'{{{head}",{text[1:]}') if text else missing(path)
    begin = int(query.get("continue", ["0"])[0])
    limit = int(query.get("limit", ["0"])[0]) or len(items) or 1
    more = f',"continue":"{begin + limit}"' if begin + limit < len(items) else ""
    body = ",".join(item[2] for item in items[begin : begin + limit])
    return 200, f'{{{head}List","metadata":{{"resourceVersion":"1"{more}}},"items":[{body}]}}'


def missing(path):
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
    return 404, json.dumps(status | {"message": f"{path} not found"})


def group(version):
    name, number = version.split("/")
    preferred = {"groupVersion": version, "version": number}
    return {"name": name, "versions": [preferred], "preferredVersion": preferred}


def resources(version):
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": version,
        "resources": [
            {
                "name": plural(k),
                "singularName": k.lower(),
                "namespaced": k not in ("Node", "APIService", "Namespace"),
                "kind": k,
                "verbs": ["get", "list", "watch"],
            }
            for k in KINDS[version]
        ],
    }


DISCOVERY = {
    "/version": {
        "major": "1",
        "minor": "34",
        "gitVersion": "v1.34.0",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": LONG_AGO,
        "goVersion": "go1.24",
        "compiler": "gc",
        "platform": "linux/amd64",
    },
    "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group(v) for v in KINDS if "/" in v]},
}


def kubeconfig(port):
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "bench",
        "clusters": [{"name": "bench", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "bench", "user": {}}],
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench", "namespace": "ns-0"}}],
    }


def node():
    return {
        "metadata": {"name": "node-0", "uid": "node-0"},
        "spec": {},
        "status": {
            "allocatable": {"cpu": "100000", "memory": "400000Gi", "pods": "200000"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def api_service():
    return {
        "metadata": {"name": "v1beta1.metrics.k8s.io", "uid": "metrics"},
        "spec": {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100},
        "status": {
            "conditions": [
                {
                    "type": "Available",
                    "status": "True",
                    "reason": "Passed",
                    "message": "",
                    "lastTransitionTime": LONG_AGO,
                }
            ]
        },
    }


def application(number, pods):
    """One autoscaler with all that belongs to it."""
    name, namespace = f"app-{number}", f"ns-{number % NAMESPACES}"
    labels = {"app.kubernetes.io/name": name}

    def meta(name, **more):
        return {
            "name": name,
            "namespace": namespace,
            "uid": f"{namespace}-{name}",
            "resourceVersion": "1",
            "generation": 1,
            "creationTimestamp": LONG_AGO,
            "labels": labels,
            **more,
        }

    owner = [
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "name": f"{name}-1",
            "uid": f"{namespace}-{name}-1",
            "controller": True,
        }
    ]
    container = {
        "name": "app",
        "image": "app:1",
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    selector = {"matchLabels": labels}
    status = {
        "replicas": pods,
        "readyReplicas": pods,
        "availableReplicas": pods,
        "updatedReplicas": pods,
        "observedGeneration": 1,
    }
    conditions = [("AbleToScale", "ReadyForNewScale"), ("ScalingActive", "ValidMetricFound")]
    yield (
        "autoscaling/v2",
        "horizontalpodautoscalers",
        [
            {
                "metadata": meta(name),
                "spec": {
                    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                    "minReplicas": 3,
                    "maxReplicas": 20,
                    "metrics": [
                        {
                            "type": "Resource",
                            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
                        }
                    ],
                },
                "status": {
                    "currentReplicas": pods,
                    "desiredReplicas": pods,
                    "observedGeneration": 1,
                    "currentMetrics": [
                        {
                            "type": "Resource",
                            "resource": {"name": "cpu", "current": {"averageUtilization": 48, "averageValue": "48m"}},
                        }
                    ],
                    "conditions": [
                        {"type": t, "status": "True", "reason": r, "message": "", "lastTransitionTime": LONG_AGO}
                        for t, r in conditions
                    ],
                },
            }
        ],
    )
    yield (
        "apps/v1",
        "deployments",
        [
            {
                "metadata": meta(name),
                "spec": {"replicas": pods, "selector": selector, "template": template},
                "status": status,
            }
        ],
    )
    yield (
        "apps/v1",
        "replicasets",
        [
            {
                "metadata": meta(f"{name}-1"),
                "spec": {"replicas": pods, "selector": selector, "template": template},
                "status": status,
            }
        ],
    )
    names = [f"{name}-1-{i}" for i in range(pods)]
    yield (
        "v1",
        "pods",
        [
            {
                "metadata": meta(pod, ownerReferences=owner),
                "spec": {"containers": [container], "nodeName": "node-0"},
                "status": {
                    "phase": "Running",
                    "startTime": LONG_AGO,
                    "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": LONG_AGO}],
                    "containerStatuses": [
                        {
                            "name": "app",
                            "ready": True,
                            "restartCount": 0,
                            "image": "app:1",
                            "imageID": "",
                            "state": {"running": {"startedAt": LONG_AGO}},
                        }
                    ],
                },
            }
            for pod in names
        ],
    )
    yield (
        "metrics.k8s.io/v1beta1",
        "pods",
        [
            {
                "metadata": {"name": pod, "namespace": namespace, "labels": labels},
                "timestamp": now(),
                "window": "15s",
                "containers": [{"name": "app", "usage": {"cpu": "48m", "memory": "32Mi"}}],
            }
            for pod in names
        ],
    )


def now():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
