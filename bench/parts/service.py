"""`GET /get?n=90` on fib-server with its defaults, against peers that send the same bytes and headers."""

import pathlib
import re
import socket
import statistics
import tempfile
import time
import urllib.request

from .machine import CLIENT_CORE, HERE, Server, free_port, json_of, output, pinned, resident, say
from .peers import BIN, PEERS, TOOLS, tool
from .report import Curve, Row

CONNECTIONS = 32
IDLE_CONNECTIONS = 2_000
GOALS = {"bare hyper": 0.95}


def fib_server(options, port):
    return [options.programs / "fib-server", "--listen", f"127.0.0.1:{port}", "--admin", "none"]


def url(port, n=90):
    return f"http://127.0.0.1:{port}/get?n={n}"


def recorded_answer(options, folder):
    """fib-server's answer, for the peers that repeat it."""
    path = pathlib.Path(folder) / "answer"
    port = free_port()
    with Server(fib_server(options, port), port):
        head = output(["curl", "-s", "-D", "-", "-o", f"{path}.body", url(port)])
    lines = [line.rstrip("\r") for line in head.splitlines()[1:] if line.strip()]
    kept = [line for line in lines if not line.lower().startswith(("content-length", "date", "connection"))]
    path.write_text("\n".join(kept) + "\n\n" + pathlib.Path(f"{path}.body").read_text())
    return path


def wrk(port, seconds, connections=CONNECTIONS, n=90):
    """Requests per second by wrk on its own core; None if an answer was lost or not 2xx."""
    text = output(pinned(CLIENT_CORE, ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", url(port, n)]))
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    return float(rate[1]) if rate and "Non-2xx" not in text and "Socket errors" not in text else None


def rivals(options, answer):
    """Every server: its command for a port, and its directory."""
    return {
        "fib-server": lambda port: (fib_server(options, port), None),
        "bare hyper": lambda port: ([PEERS / "peer-hyper", f"127.0.0.1:{port}", answer], None),
        "axum": lambda port: ([PEERS / "peer-axum", f"127.0.0.1:{port}"], None),
        "actix-web": lambda port: ([PEERS / "peer-actix", f"127.0.0.1:{port}"], None),
        "Go net/http": lambda port: ([BIN / "bench-go", f"127.0.0.1:{port}"], None),
        "Flask, gunicorn": lambda port: (
            [TOOLS / "flask" / "bin" / "gunicorn", "-w", "1", "-b", f"127.0.0.1:{port}", "app:app"],
            HERE / "flask",
        ),
    }


def rows(options):
    if not tool("wrk"):
        say("wrk is missing, so the service is not measured")
        return
    with tempfile.TemporaryDirectory() as folder:
        all_rivals = rivals(options, recorded_answer(options, folder))
        rates = {name: [] for name in all_rivals}
        for _ in range(options.rounds):
            for name, command in all_rivals.items():
                port = free_port()
                line, cwd = command(port)
                if pathlib.Path(line[0]).exists():
                    with Server(line, port, cwd):
                        wrk(port, 1)
                        rates[name].append(wrk(port, options.seconds))
        yield from against_each(rates)
        yield from at_half_load(options, all_rivals, rates)
    yield from footprint(options)
    yield from cancellation(options)
    yield from clients(options)


def against_each(rates):
    for name in list(rates)[1:]:
        pairs = [(a, b) for a, b in zip(rates["fib-server"], rates[name]) if a and b]
        if not pairs:
            say(f"{name} gave no complete round")
            continue
        ours, theirs = (statistics.median(p[i] for p in pairs) for i in (0, 1))
        note = f"{ours:,.0f}/s, {name} {theirs:,.0f}/s"
        yield Row(
            "service",
            f"GET /get?n=90, rate against {name}",
            GOALS.get(name, 1.0),
            False,
            [a / b for a, b in pairs],
            note,
        )


def at_half_load(options, all_rivals, rates):
    """p99.9 at half of hyper's rate, by oha with latency correction."""
    known = [rate for rate in rates["bare hyper"] if rate]
    if not known or not tool("oha"):
        return
    half = int(statistics.median(known) / 2)
    tails = {"fib-server": [], "bare hyper": []}
    for _ in range(options.rounds):
        for name in tails:
            port = free_port()
            with Server(all_rivals[name](port)[0], port):
                command = [
                    tool("oha"),
                    "-c",
                    CONNECTIONS,
                    "-q",
                    half,
                    "--latency-correction",
                    "-z",
                    f"{options.seconds}s",
                    "--no-tui",
                    "--output-format",
                    "json",
                    url(port),
                ]
                found = json_of(pinned(CLIENT_CORE, command))
                tails[name].append(found.get("latencyPercentiles", {}).get("p99.9"))
    pairs = [(a, b) for a, b in zip(*tails.values()) if a and b]
    if pairs:
        ours, theirs = (statistics.median(p[i] for p in pairs) * 1e3 for i in (0, 1))
        yield Row(
            "service",
            "p99.9 at half load against bare hyper",
            1.2,
            True,
            [a / b for a, b in pairs],
            f"{ours:.2f} ms, bare hyper {theirs:.2f} ms at {half:,}/s",
        )


def footprint(options):
    starts, idle, each = [], [], []
    for _ in range(options.rounds):
        port = free_port()
        with Server(fib_server(options, port), port) as server:
            starts.append(server.first_answer * 1e3)
            before = resident(server.pid)
            idle.append(before / 1e6)
            held = []
            for _ in range(IDLE_CONNECTIONS):
                stream = socket.create_connection(("127.0.0.1", port), 5)
                stream.sendall(b"GET /get?n=90 HTTP/1.1\r\nHost: bench\r\n\r\n")
                stream.recv(4096)
                held.append(stream)
            each.append((resident(server.pid) - before) / IDLE_CONNECTIONS / 1024)
            for stream in held:
                stream.close()
    yield Row("service", "first answer after the start", 20, True, starts, unit=" ms")
    yield Row("service", "memory without connections", 15, True, idle, unit=" MB")
    yield Row(
        "service", "memory of an idle connection", 20, True, each, f"over {IDLE_CONNECTIONS:,} connections", unit=" KiB"
    )


def cancellation(options):
    """How long the only thread that computes goes on with F(10,000,000) after its client has left: the wait of the next
    one, F(1,000,000), less what that takes by itself."""
    waits = []
    port = free_port()
    with Server([*fib_server(options, port), "--max-n", "10000000", "--compute-threads", "1"], port):
        for _ in range(options.rounds):
            alone = min(answered(port, 1_000_000) for _ in range(3))
            with socket.create_connection(("127.0.0.1", port), 5) as stream:
                stream.sendall(b"GET /get?n=10000000 HTTP/1.1\r\nHost: bench\r\n\r\n")
                time.sleep(0.1)
            waits.append(max(0.0, answered(port, 1_000_000) - alone) * 1e3)
    yield Row("service", "a canceled F(10,000,000) frees its thread", 50, True, waits, unit=" ms")


def answered(port, n):
    """Seconds until F(n) has been answered whole."""
    begun = time.monotonic()
    with urllib.request.urlopen(url(port, n), timeout=60) as answer:
        answer.read()
    return time.monotonic() - begun


def clients(options):
    points = []
    port = free_port()
    with Server(fib_server(options, port), port):
        for connections in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024):
            rate = wrk(port, min(2, options.seconds), connections)
            if rate:
                points.append((connections, 1e6 / rate))
    yield Curve(
        "clients",
        "Time of fib-server per request, by clients at once",
        "connections",
        "µs",
        points,
        "fitted from 16 connections: 0 is a server that as many clients as you like do not slow down. Fewer leave it idle "
        "between requests",
        fit_from=16,
    )
