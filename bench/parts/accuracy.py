"""Checks fib-loadgen's numbers against the load: stalls, other generators, rates, its own limits, users, memory."""

import os
import pathlib
import re
import statistics
import subprocess
import threading
import time

from . import hdr
from .load import fib_loadgen, oha
from .machine import CLIENT_CORE, Server, allow_many_files, free_port, json_of, output, pinned, resident, say
from .peers import tool
from .report import Curve, Row
from .service import fib_server, url

STALL = 1.0
STALL_USERS = 50
# The server is the limit here, not the generators, so they must agree.
SLOW_N, SLOW_USERS = 100_000, 8


def rows(options):
    allow_many_files()
    yield from stall(options)
    yield from agreement(options)
    yield from steady(options)
    yield from health(options)
    yield from users(options)
    yield from memory(options)


def with_stall(options, measure):
    """What a generator reports about ten seconds at 1,000/s during which the server stalls for one second."""
    port = free_port()
    with Server(fib_server(options, port), port) as server:
        stalling = threading.Timer(4, server.stall, [STALL])
        stalling.start()
        found = measure(port)
        stalling.join()
        return found


def stall(options):
    """1,000 of 10,000 requests are due during the stall, so the slowest thousandth waited for its whole length."""
    ours, theirs, held = [], [], []
    for _ in range(min(options.rounds, 2)):
        flags = ("--rate", "1000/s", "--users", STALL_USERS, "--n", 90, "-t", "10s")
        found = with_stall(options, lambda port, flags=flags: fib_loadgen(options, port, *flags))
        if not found:
            continue
        ours.append(found["latency"]["response"]["p999"] / 1e6)
        held.append(hdr.above(found["latency"]["service"]["hdr_b64"], STALL * 1e6 / 2))
        if tool("oha"):
            flags = ("-q", 1000, "-c", STALL_USERS, "--latency-correction", "-z", "10s")
            found = with_stall(options, lambda port, flags=flags: oha(port, *flags))
            theirs.append(found.get("latencyPercentiles", {}).get("p99.9"))
    if ours:
        what = "p99.9 of 1,000/s with a stall of 1 s, difference from 1 s"
        note = ", ".join(f"{o:.3f} s" for o in ours)
        yield Row("accuracy", what, 5, True, [abs(o / STALL - 1) * 100 for o in ours], note, unit=" %")
        what = f"service times over 0.5 s then, with {STALL_USERS} users: the requests in flight when it began"
        yield Row("accuracy", what, STALL_USERS, True, held)
    pairs = [(a, b) for a, b in zip(ours, theirs) if b]
    if pairs:
        what = "the same p99.9, difference from oha --latency-correction"
        note = ", ".join(f"oha {b:.3f} s" for _, b in pairs)
        yield Row("accuracy", what, 5, True, [abs(a / b - 1) * 100 for a, b in pairs], note, unit=" %")


def agreement(options):
    """If the server is the limit of a closed model, every generator must report the same rate and p50 (in seconds)."""
    generators = {"fib-loadgen": ours_on_slow, "oha": oha_on_slow, "wrk": wrk_on_slow}
    found = {name: [] for name in generators if name == "fib-loadgen" or tool(name)}
    # A virtual core's speed drifts by more than the generators differ: many rounds, each in the reverse order of the last.
    for turn in range(options.rounds * (4 if options.long else 1)):
        port = free_port()
        with Server([*fib_server(options, port), "--compute-threads", "1"], port):
            for name in list(found)[:: -1 if turn % 2 else 1]:
                found[name].append(generators[name](options, port))
    ours = found.pop("fib-loadgen")
    for name, theirs in found.items():
        pairs = [(a, b) for a, b in zip(ours, theirs) if a and b]
        for at, what in enumerate(("rate", "p50")):
            # Rounds differ by more than the generators do, in both directions: the median ratio is what they differ by.
            ratios = [a[at] / b[at] for a, b in pairs]
            if ratios:
                text = f"closed model at n = {SLOW_N:,}, difference from {name}, {what}"
                difference = abs(statistics.median(ratios) - 1) * 100
                note = f"ratio of a round {min(ratios):.3f} to {max(ratios):.3f}"
                yield Row("accuracy", text, 3, True, [difference], note, unit=" %")


def ours_on_slow(options, port):
    flags = ("--users", SLOW_USERS, "--ramp-up", 0, "--n", SLOW_N, "-t", f"{options.seconds}s")
    found = fib_loadgen(options, port, *flags)
    return found and (found["totals"]["rps"], found["latency"]["service"]["p50"] / 1e6)


def oha_on_slow(options, port):
    found = oha(port, "-c", SLOW_USERS, "-z", f"{options.seconds}s", n=SLOW_N)
    return found and (found["summary"]["requestsPerSec"], found["latencyPercentiles"]["p50"])


def wrk_on_slow(options, port):
    flags = ["-t1", f"-c{SLOW_USERS}", f"-d{options.seconds}s", "--latency"]
    text = output(pinned(CLIENT_CORE, ["wrk", *flags, url(port, SLOW_N)]))
    rate, p50 = re.search(r"Requests/sec:\s+([\d.]+)", text), re.search(r"50%\s+([\d.]+)(us|ms|s)\n", text)
    return rate and p50 and (float(rate[1]), float(p50[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1}[p50[2]])


def steady(options):
    seconds = 1 if options.busy else 60 if options.long else 20
    port = free_port()
    with Server(fib_server(options, port), port):
        found = fib_loadgen(options, port, "--rate", "5000/s", "--users", 100, "--n", 90, "-t", f"{seconds}s")
    if found:
        sent = found["totals"]["sent"]
        yield Row(
            "accuracy",
            f"5,000/s for {seconds} s, difference of the requests sent",
            0.5,
            True,
            [abs(sent / (5_000 * seconds) - 1) * 100],
            f"{sent:,} sent",
            unit=" %",
        )
        yield Row(
            "accuracy", "5,000/s, p99 of the send lag", 2, True, [found["latency"]["send_lag"]["p99"] / 1e3], unit=" ms"
        )


def health(options):
    """Ten runs with enough CPU are never reported as saturated; ten with a tenth of a core always are."""
    runs = 2 if options.busy else 10
    port = free_port()
    with Server(fib_server(options, port), port):
        flags = ("--rate", "1000/s", "--users", 50, "--n", 90, "-t", "3s")
        verdicts = [fib_loadgen(options, port, *flags).get("generator", {}).get("verdict") for _ in range(runs)]
        note = ", ".join(f"{verdicts.count(v)} {v}" for v in sorted(set(map(str, verdicts))))
        yield Row("accuracy", f"healthy runs of {runs} called saturated", 0, True, [verdicts.count("saturated")], note)
        with Quota(0.1) as quota:
            if not quota.path:
                say("no control group can be made here (it takes root), so a generator without CPU is not measured")
                return
            flags = ("--rate", "5000/s", *flags[2:])
            verdicts = [quota.run(options, port, *flags) for _ in range(runs)]
        note = ", ".join(f"{verdicts.count(v)} {v}" for v in sorted(set(map(str, verdicts))))
        yield Row(
            "accuracy",
            f"runs of {runs} at a tenth of a core called saturated",
            runs,
            False,
            [verdicts.count("saturated")],
            note,
        )


class Quota:
    """A control group (v1 or v2) with a share of one core; its path is None if it can't be created."""

    def __init__(self, cores):
        self.cores, self.path = cores, None

    def __enter__(self):
        name, root = f"fib-bench-{os.getpid()}", pathlib.Path("/sys/fs/cgroup")
        period = 100_000
        quota = int(period * self.cores)
        v2 = (root / "cgroup.controllers").exists()
        path = root / name if v2 else root / "cpu" / name
        try:
            path.mkdir()
            self.path = path
            if v2:
                (path / "cpu.max").write_text(f"{quota} {period}")
            else:
                (path / "cpu.cfs_period_us").write_text(str(period))
                (path / "cpu.cfs_quota_us").write_text(str(quota))
        except OSError:
            self.__exit__()
            self.path = None
        return self

    def run(self, options, port, *flags):
        """The verdict of a fib-loadgen that is started in this group."""
        join = f'echo $$ > {self.path}/cgroup.procs && exec "$@"'
        command = [options.programs / "fib-loadgen", f"http://127.0.0.1:{port}", "--ui", "none", "-o", "json=-", *flags]
        found = json_of(["sh", "-c", join, "sh", *map(str, command)])
        return found.get("generator", {}).get("verdict")

    def __exit__(self, *_):
        if self.path:
            for _ in range(50):
                try:
                    return self.path.rmdir()
                except OSError:
                    time.sleep(0.1)


def users(options):
    """Starts ten thousand users within ten seconds, and measures what one takes."""
    points = []
    for count in (100, 1_000, 10_000):
        port = free_port()
        with Server([*fib_server(options, port), "--max-connections", "12000"], port):
            found = fib_loadgen(
                options,
                port,
                "--users",
                count,
                "--ramp-up",
                0,
                "--think",
                "2s",
                "--n",
                90,
                "-t",
                "12s" if count == 10_000 else "3s",
            )
        if not found:
            continue
        points.append((count, found["generator"]["rss_peak"] / 1e6))
        if count == 10_000:
            series = found["series"]
            when = [end / 1e3 for end, users in zip(series["end_ms"], series["users"]) if users >= count]
            yield Row("accuracy", "time to start 10,000 users", 10, True, [when[0] if when else 999], unit=" s")
            yield Row(
                "accuracy",
                "memory per user of 10,000",
                64,
                True,
                [found["generator"]["bytes_per_user"] / 1024],
                unit=" KiB",
            )
    yield Curve(
        "users", "Memory of fib-loadgen by users", "users", "MB", points, "the program itself is what few users pay for"
    )


def memory(options):
    """A run at full speed does not grow after its first tenth."""
    seconds = 10 if options.busy else 600 if options.long else 60
    port = free_port()
    with Server(fib_server(options, port), port):
        command = [
            options.programs / "fib-loadgen",
            f"http://127.0.0.1:{port}",
            "--ui",
            "none",
            "--users",
            "32",
            "--n",
            "90",
            "-t",
            f"{seconds}s",
        ]
        process = subprocess.Popen(pinned(CLIENT_CORE, command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds / 10)
        early, late = resident(process.pid), 0
        end = time.monotonic() + seconds * 0.9 - 1
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.5)
        if process.poll() is None:
            late = resident(process.pid)
        process.wait()
    if early and late:
        yield Row(
            "accuracy",
            f"memory after {seconds} s at full speed, against a tenth of that time",
            1.1,
            True,
            [late / early],
            f"{early / 1e6:.1f} MB, then {late / 1e6:.1f} MB",
        )
