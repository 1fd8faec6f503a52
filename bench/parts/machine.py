"""The machine: its cores, its load, and processes pinned to a core."""

import json
import os
import pathlib
import platform
import re
import resource
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent.parent
ROOT = HERE.parent
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[-1]


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def busy_share(seconds=3.0):
    """The share of all cores in use over a short time, from /proc/stat."""

    def read():
        fields = [int(f) for f in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
        return sum(fields), fields[3] + fields[4]

    total, idle = read()
    time.sleep(seconds)
    total_after, idle_after = read()
    return 1 - (idle_after - idle) / max(1, total_after - total)


def description():
    model = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return f"{len(CORES)} cores, {model[1] if model else platform.machine()}"


def pinned(core, command):
    return ["taskset", "-c", str(core), *map(str, command)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def allow_many_files():
    """Raises the descriptor limit to fit both ends of ten thousand connections; children inherit it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def output(command, timeout=600, **kwargs):
    """The output of a command; empty for one that hangs, which is killed."""
    try:
        return subprocess.run(
            [str(c) for c in command], check=False, text=True, capture_output=True, timeout=timeout, **kwargs
        ).stdout
    except subprocess.TimeoutExpired:
        return ""


def json_of(command, **kwargs):
    """The JSON output of a command; an empty object if there is none."""
    try:
        return json.loads(output(command, **kwargs) or "{}")
    except ValueError:
        return {}


def seconds_of(command, **kwargs):
    """The time of a command on the client's core, and its exit code."""
    begun = time.monotonic()
    done = subprocess.run(
        pinned(CLIENT_CORE, command), check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kwargs
    )
    return time.monotonic() - begun, done.returncode


def resident(pid):
    """Resident bytes of a process."""
    found = re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


class Server:
    """A server on its core, during a with block."""

    def __init__(self, command, port, cwd=None):
        self.command, self.port, self.cwd = command, port, cwd

    def __enter__(self):
        begun = time.monotonic()
        self.process = subprocess.Popen(
            pinned(SERVER_CORE, self.command),
            cwd=self.cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while time.monotonic() < begun + 20:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 0.5) as stream:
                    stream.sendall(b"GET /get?n=90 HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
                    if stream.recv(12):
                        self.first_answer = time.monotonic() - begun
                        return self
            except OSError:
                time.sleep(0.001)
        self.__exit__()
        raise RuntimeError(f"{self.command[0]} did not answer on port {self.port}")

    def stall(self, seconds):
        """Stops the process for a while."""
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.process.send_signal(signal.SIGCONT)

    @property
    def pid(self):
        return self.process.pid

    def __exit__(self, *_):
        # Its graceful shutdown is not measured.
        self.process.terminate()
        try:
            self.process.wait(1)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
