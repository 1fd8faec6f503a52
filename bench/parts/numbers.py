"""Decimal digits of F(n) against GMP, both in one process on one core."""

import json
import statistics

from .machine import CLIENT_CORE, output, pinned
from .peers import PEERS
from .report import Curve, Row

# At most 10 % slower than GMP anywhere, and far faster where it counts.
GOALS = {1_000_000: 0.4, 3_000_000: 0.4, 10_000_000: 0.25}
# Each process already alternates between its rivals, for a second or more per n.
ROUNDS = 3
QUICK = ["200", "5000", "20000", "100000", "1000000"]


def rows(options):
    found = {}
    for _ in range(min(options.rounds, ROUNDS)):
        for line in output(pinned(CLIENT_CORE, [PEERS / "numbers", *(QUICK if options.busy else [])])).splitlines():
            measured = json.loads(line)
            found.setdefault(measured["n"], []).append(measured)
    points = []
    for n, rounds in sorted(found.items()):
        ours, gmp = ([r[name]["shortest_us"] for r in rounds] for name in ("fib-numbers", "gmp"))
        points.append((n, statistics.median(ours)))
        note = f"{statistics.median(ours):,.1f} µs, GMP {statistics.median(gmp):,.1f} µs"
        ratios = [a / b for a, b in zip(ours, gmp)]
        yield Row("numbers", f"digits of F({n:,}), time against GMP", GOALS.get(n, 1.1), True, ratios, note)
    if points:
        yield Curve(
            "n",
            "Time for the digits of F(n)",
            "n",
            "µs",
            points,
            "fitted from n = 100,000; it bends where the transform takes over from long multiplication (n = 15,000) "
            "and where its arrays leave a cache",
            fit_from=100_000,
        )
