"""fib-loadgen, every answer verified and recorded, against other generators, all on the bare hyper peer."""

import re
import statistics
import tempfile

from .machine import CLIENT_CORE, Server, free_port, json_of, output, pinned
from .peers import PEERS, tool
from .report import Row
from .service import CONNECTIONS, recorded_answer, url, wrk

GOALS = {"oha": 1.0, "wrk": 0.8, "hey": 1.0, "vegeta": 1.0}


def fib_loadgen(options, port, *flags):
    """The result of fib-loadgen on its own core."""
    command = [options.programs / "fib-loadgen", f"http://127.0.0.1:{port}", "--ui", "none", "-o", "json=-", *flags]
    return json_of(pinned(CLIENT_CORE, command))


def oha(port, *flags, n=90):
    command = [tool("oha"), "--no-tui", "--output-format", "json", *flags, url(port, n)]
    return json_of(pinned(CLIENT_CORE, command))


def rate_of(options, name, port):
    """Answers per second that a generator got from a server; None if one was lost or wrong."""
    seconds = options.seconds
    if name == "wrk":
        return wrk(port, seconds)
    if name == "oha":
        return oha(port, "-c", CONNECTIONS, "-z", f"{seconds}s").get("summary", {}).get("requestsPerSec")
    if name == "hey":
        text = output(pinned(CLIENT_CORE, [tool("hey"), "-c", CONNECTIONS, "-z", f"{seconds}s", url(port)]))
        rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
        return float(rate[1]) if rate else None
    if name == "vegeta":
        line = f'echo "GET {url(port)}" | {tool("vegeta")} attack -rate 0 -max-workers {CONNECTIONS} -duration {seconds}s | {tool("vegeta")} report -type json'
        return json_of(pinned(CLIENT_CORE, ["sh", "-c", line])).get("throughput")
    found = fib_loadgen(options, port, "--users", CONNECTIONS, "--ramp-up", 0, "--n", 90, "-t", f"{seconds}s")
    totals = found.get("totals", {})
    if not totals or totals["failed"] or totals["wrong"] or totals["verified"] != totals["ok"]:
        return None
    return totals["rps"]


def rows(options):
    names = ["fib-loadgen", *(name for name in GOALS if tool(name))]
    rates = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        answer = recorded_answer(options, folder)
        for _ in range(options.rounds):
            for name in names:
                port = free_port()
                with Server([PEERS / "peer-hyper", f"127.0.0.1:{port}", answer], port):
                    rates[name].append(rate_of(options, name, port))
    for name in names[1:]:
        pairs = [(a, b) for a, b in zip(rates["fib-loadgen"], rates[name]) if a and b]
        if pairs:
            ours, theirs = (statistics.median(p[i] for p in pairs) for i in (0, 1))
            note = f"{ours:,.0f}/s verified, {name} {theirs:,.0f}/s"
            yield Row("load", f"fib-loadgen's rate against {name}", GOALS[name], False, [a / b for a, b in pairs], note)
