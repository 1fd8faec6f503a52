"""The table `Cost of n` in docs/fib-server.md, and the exponent of admission's estimates."""

import re

from .load import fib_loadgen
from .machine import ROOT, Server, free_port
from .report import Curve
from .service import fib_server

NS = (90, 1_000, 4_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
DOCS = ROOT / "docs" / "fib-server.md"


def rows(options):
    points = []
    port = free_port()
    server = [*fib_server(options, port), "--max-n", "10000000", "--compute-threads", "1"]
    with Server(server, port):
        for n in NS:
            requests = 2_000 if n <= 10_000 else max(10, 3_000_000_000 // (n * 300))
            found = fib_loadgen(
                options, port, "--users", 1, "--ramp-up", 0, "--requests", min(requests, 2_000), "--n", n
            )
            if found:
                points.append((n, found["latency"]["service"]["min"] / 1e3))
    if options.update_docs and len(points) == len(NS):
        DOCS.write_text(with_table(DOCS.read_text(), table(points)))
    yield Curve(
        "request",
        "Time of a request for F(n), to the end of its body",
        "n",
        "ms",
        points,
        "fitted from n = 100,000: the exponent by which admission starts before it has measured; below, the round trip is "
        "what is measured",
        fit_from=100_000,
    )


def digits(n):
    """The number of decimal digits of F(n), for each n in the table."""
    return max(1, int(n * 0.20898764024997873 - 0.3494850021680094) + 1)


def table(points):
    lines = ["| n | digits | ms |", "|---|---|---|"]
    for n, ms in points:
        shown = f"{ms:.3f}" if ms < 0.2 else f"{ms:.2f}" if ms < 1 else f"{ms:.1f}" if ms < 30 else f"{ms:.0f}"
        lines.append(f"| {n:,} | {digits(n):,} | {shown} |")
    return "\n".join(lines)


def with_table(text, new):
    """The page with the table under `Cost of n` replaced."""
    return re.sub(r"(## Cost of n\n\n)(\|.*\n)+", lambda found: found[1] + new + "\n", text, count=1)
