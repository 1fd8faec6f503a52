"""An in-memory API server of any size on loopback."""

import gc
import gzip
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timedelta, timezone
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from .machine import CLIENT_CORE, SERVER_CORE, pinned

LONG_AGO = "2026-01-01T00:00:00Z"
NAMESPACES = 50
PAGE = 500
# Lists by path: API version, kind.
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
    """Serves this many autoscalers and pods during a with block, in a process on the servers' core.

    The answers are made and compressed beforehand, so that what is measured never waits for them. This process stays
    small: Linux counts the memory of the process that started a program as a peak of the program's own.
    """

    def __init__(self, autoscalers, pods):
        self.autoscalers, self.pods = autoscalers, pods

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        listener = socket.create_server(("127.0.0.1", 0))
        self.config = pathlib.Path(self.folder.name) / "kubeconfig"
        self.config.write_text(json.dumps(kubeconfig(listener.getsockname()[1])))
        ready, said = os.pipe()
        self.server = os.fork()
        if self.server == 0:
            answers = Answers(self.autoscalers, self.pods)
            os.write(said, b"!")
            serve(listener, answers)
        os.close(said)
        listener.close()
        if not os.read(ready, 1):
            raise RuntimeError("the API server that answers from memory ended at once")
        os.close(ready)
        return self

    def run(self, command):
        """The Cost of a command against this server."""
        env = dict(os.environ, KUBECONFIG=str(self.config))
        measured = subprocess.run(
            [sys.executable, "-c", MEASURE, *pinned(CLIENT_CORE, command)],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=True,
        )
        return Cost(*json.loads(measured.stdout))

    def __exit__(self, *_):
        os.kill(self.server, signal.SIGKILL)
        os.waitpid(self.server, 0)
        self.folder.cleanup()


# Linux counts the memory of a process also as that of the program it starts. This one is small, unlike a benchmark that
# has measured other parts before.
MEASURE = """
import json, os, subprocess, sys, time
begun = time.monotonic()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
took = time.monotonic() - begun
code = os.waitstatus_to_exitcode(status)
print(json.dumps([took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, code]))
"""


class Cost(NamedTuple):
    """Seconds on the clock and of CPU, the peak of resident memory in MB, and the exit code."""

    seconds: float
    cpu: float
    peak: float
    code: int


class Answers:
    """The API server's answers by target."""

    def __init__(self, autoscalers, pods):
        self.lists, self.made = {}, {}
        self.add("v1", "nodes", [node()])
        self.add("apiregistration.k8s.io/v1", "apiservices", [api_service()])
        for number in range(autoscalers):
            for version, name, objects in application(number, pods // autoscalers):
                self.add(version, name, objects)
        for version, name in self.lists:
            self.make(version, name)

    def add(self, version, name, objects):
        kept = self.lists.setdefault((version, name), [])
        for made in objects:
            metadata = made["metadata"]
            kept.append((metadata.get("namespace"), metadata["name"], json.dumps(made)))

    def make(self, version, name):
        """The pages of a list; PodMetrics are one page."""
        path = f"{'/api' if version == 'v1' else '/apis'}/{version}/{name}"
        if version == "metrics.k8s.io/v1beta1":
            self.made[path] = self.made[f"{path}?"] = packed(*answer(self.lists, path))
            return
        more = ""
        while more is not None:
            target = f"{path}?&limit={PAGE}{more}"
            status, body = answer(self.lists, target)
            self.made[target] = packed(status, body)
            ahead = re.search(r'"continue":"(\d+)"', body[:200])
            more = f"&continue={ahead[1]}" if ahead else None

    def of(self, target):
        return self.made.get(target) or packed(*answer(self.lists, target))


def serve(listener, answers):
    """Answers until it is killed, in its own process."""
    os.sched_setaffinity(0, {SERVER_CORE})
    gc.freeze()
    while True:
        stream, _ = listener.accept()
        threading.Thread(target=converse, args=(stream, answers), daemon=True).start()


def converse(stream, answers):
    with stream, stream.makefile("rb") as lines:
        while first := lines.readline():
            takes_gzip = False
            while (line := lines.readline()) > b"\r\n":
                takes_gzip |= line.lower().startswith(b"accept-encoding:") and b"gzip" in line
            status, data, encoding = answers.of(first.split()[1].decode())
            if encoding and not takes_gzip:
                data, encoding = gzip.decompress(data), ""
            head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{encoding}"
            stream.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)


def packed(status, body):
    """Status, body and header of an answer; compressed from 128 KB on, like the API server's."""
    data = body.encode()
    if len(data) <= 128 * 1024:
        return status, data, ""
    return status, gzip.compress(data, 4), "Content-Encoding: gzip\r\n"


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


# About as much as on a pod of a real cluster.
MANAGED_FIELDS = [
    {
        "manager": "kubelet",
        "operation": "Update",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {f"f:field-number-{i}": {".": {}, "f:type": {}, "f:status": {}} for i in range(60)},
    }
]


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
    """One autoscaler with its target, pods and samples."""
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
        "image": "registry.example/app:1",
        "env": [{"name": f"VARIABLE_{i}", "value": "a value of some length"} for i in range(20)],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}},
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
                "metadata": meta(pod, ownerReferences=owner, managedFields=MANAGED_FIELDS),
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
    """A large cluster takes a while to build, and its samples must still be fresh then."""
    return (datetime.now(timezone.utc) + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
