"""A fib-server in a small control group, honest clients beside it, and the raw bytes that attackers send.

Everything stays on loopback and ends with the run. Standard library only.
"""

import contextlib
import http.client
import multiprocessing
import os
import pathlib
import re
import resource
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

MEMORY = 128 << 20  # bytes, as in k8s/base


class Group:
    """A control group (v1 or v2) with a memory limit; `None` if it can't be created."""

    def __init__(self, folder, limit_file):
        self.folder = folder
        (folder / limit_file).write_text(str(MEMORY))

    @classmethod
    def make(cls):
        name = f"fib-attacks-{os.getpid()}"
        for root, limit_file in (
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            ("/sys/fs/cgroup", "memory.max"),
        ):
            folder = pathlib.Path(root, name)
            try:
                folder.mkdir()
            except OSError:
                continue
            try:
                return cls(folder, limit_file)
            except OSError:
                folder.rmdir()
        return None

    def enter(self):
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self):
        for _ in range(50):
            try:
                self.folder.rmdir()
                return
            except OSError:
                time.sleep(0.1)


class Quota(Group):
    """A control group with a CPU quota in thousandths of a core."""

    def __init__(self, folder, quota_file, millicores):
        self.folder = folder
        version_2 = quota_file == "cpu.max"
        quota = f"{millicores * 100}"
        (folder / quota_file).write_text(f"{quota} 100000" if version_2 else quota)

    @classmethod
    def make(cls, millicores):
        name = f"fib-quota-{os.getpid()}"
        for root, quota_file in (
            ("/sys/fs/cgroup/cpu", "cpu.cfs_quota_us"),
            ("/sys/fs/cgroup", "cpu.max"),
        ):
            folder = pathlib.Path(root, name)
            try:
                folder.mkdir()
            except OSError:
                continue
            try:
                return cls(folder, quota_file, millicores)
            except OSError:
                folder.rmdir()
        return None


class Server:
    """The program under attack."""

    def __init__(self, program, *flags, files=None, group=None):
        def prepare():
            if group:
                group.enter()
            if files:
                resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

        self.process = subprocess.Popen(
            [program, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=prepare,
        )
        line = self.process.stdout.readline()
        addresses = re.findall(r"127\.0\.0\.1:(\d+)", line)
        if len(addresses) != 2:
            raise SystemExit(f"the server did not start: {line}{self.process.stderr.read()}")
        self.port, self.admin = map(int, addresses)
        self.log = []
        threading.Thread(target=self._read_log, daemon=True).start()

    def _read_log(self):
        for line in self.process.stderr:
            self.log.append(line)

    def alive(self):
        return self.process.poll() is None

    def resident(self):
        """Bytes in memory."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) << 10

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def metrics(self):
        """Series by name and labels."""
        text = get(self.admin, "/metrics")[1].decode()
        return {
            name: float(value)
            for name, value in (line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
        }

    def stop(self):
        if self.alive():
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def serving(program, *flags, files=None, millicores=None):
    group = Quota.make(millicores) if millicores else Group.make()
    server = Server(program, *flags, files=files, group=group)
    try:
        yield server
    finally:
        server.stop()
        if group:
            group.remove()


def certificate(folder):
    """Files with a certificate for a server under test, and its key."""
    files = [f"{folder}/tls.crt", f"{folder}/tls.key"]
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=test -days 1"
    subprocess.run([*command.split(), "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    return files


def anyone():
    """A context that accepts any certificate: the server is the one just started."""
    return ssl._create_unverified_context()


def get(port, path, timeout=10, tls=None):
    """Status and body of one request on its own connection."""
    if tls:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=tls)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def answer(port, path, timeout=10):
    """Status, lower-case headers and body of one request on its own connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def connect(port, receive_buffer=None, timeout=10):
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(timeout)
    client.connect(("127.0.0.1", port))
    return client


def request(path, version="1.1", headers=""):
    return f"GET {path} HTTP/{version}\r\nhost: test\r\n{headers}\r\n".encode()


def crowd(count, open_one):
    """As many connections as possible; like an attacker, it skips those that are refused or reset."""
    clients = []
    for _ in range(count):
        with contextlib.suppress(OSError):
            clients.append(open_one())
    return clients


def _ask_for_a_while(port, path, seconds, tls, results):
    times, failures = [], 0
    tls = anyone() if tls else None
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.perf_counter()
        try:
            ok = get(port, path, timeout=5, tls=tls)[0] == 200
        except (OSError, http.client.HTTPException):
            ok = False
        times.append(time.perf_counter() - begun)
        failures += not ok
        time.sleep(0.005)
    results.put((times, failures))


def answer_times(port, path, seconds):
    """Sorted milliseconds of consecutive requests on one connection."""
    client, times = connect(port), []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.perf_counter()
        client.sendall(request(path))
        got = b""
        while not got.endswith(b"}"):
            got += client.recv(65_536)
        times.append((time.perf_counter() - begun) * 1e3)
        time.sleep(0.003)
    return sorted(times)


class Honest:
    """Honest clients in their own processes, with a new connection per request."""

    def __init__(self, port, seconds, path="/get?n=1000", count=2, tls=False):
        self.results = multiprocessing.Queue()
        self.clients = [
            multiprocessing.Process(
                target=_ask_for_a_while, args=(port, path, seconds, tls, self.results), daemon=True
            )
            for _ in range(count)
        ]
        for client in self.clients:
            client.start()

    def outcome(self):
        """Requests, failures, and the sorted times in milliseconds."""
        times, failures = [], 0
        for _ in self.clients:
            some, failed = self.results.get()
            times += some
            failures += failed
        for client in self.clients:
            client.join()
        return len(times), failures, sorted(t * 1e3 for t in times)


def _load(port, path, seconds, count):
    end = time.monotonic() + seconds

    def client():
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                one = connect(port)
                one.sendall(request(path, headers="connection: close\r\n"))
                buffer = bytearray(1 << 18)
                while one.recv_into(buffer):
                    pass
                one.close()

    threads = [threading.Thread(target=client) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def load(port, path, seconds, count):
    """This many clients that read as fast as they can, in a separate process."""
    process = multiprocessing.Process(target=_load, args=(port, path, seconds, count), daemon=True)
    process.start()
    process.join()


def percentile(times, share):
    return times[min(len(times) - 1, int(len(times) * share))]


# ---- HTTP/2 by hand (RFC 9113)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 8, 9


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(**values):
    numbers = {"max_concurrent_streams": 3, "initial_window_size": 4}
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", numbers[k], v) for k, v in values.items()))


def head(path):
    """A header block without Huffman codes and without the dynamic table."""
    text = lambda value: bytes([len(value)]) + value.encode()  # noqa: E731
    return b"\x82\x86" + b"\x01" + text("test") + b"\x04" + text(path)


def ask(stream, path):
    return frame(HEADERS, 0x5, stream, head(path))


def fail(message):
    print(f"FAIL  {message}", flush=True)
    sys.exit(1)
