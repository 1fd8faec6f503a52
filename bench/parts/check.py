"""hpa-check's own work: decisions, a simulated week, a replayed day, the diagnosis of a cluster."""

import pathlib
import re
import statistics
import tempfile
from datetime import datetime, timedelta, timezone

from . import cluster
from .machine import CLIENT_CORE, ROOT, json_of, output, pinned, say, seconds_of
from .peers import EXAMPLE
from .report import Curve, Row

RECORDING = ROOT / "hpa-check" / "tests" / "recordings" / "rehearsal.jsonl"
STAMP = re.compile(r'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z"')
DAY = "0s:100m 6h:2 12h:100m 18h:3 24h:100m"
# A rehearsal's periods are a fifth of a cluster's, and the controller's longest are left out.
STRETCH = 7.5


def rows(options):
    program = options.programs / "hpa-check"
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        yield from decide(options, program, folder)
        yield from simulate(options, program)
        yield from replay(options, program, folder)
    yield from doctor(options)


def decide(options, program, folder):
    """Runs the model on distinct decisions, and `decide` on the same ones as JSON Lines."""
    if not EXAMPLE.exists():
        say(f"{EXAMPLE.name} can't be built here, so decisions are not measured")
        return
    path, count = folder / "cases.jsonl", 20_000
    path.write_text(cases(count))
    found, through_json = [], []
    for _ in range(options.rounds):
        found.append(json_of(pinned(CLIENT_CORE, [EXAMPLE, "1"])))
        with path.open() as lines:
            took, code = seconds_of([program, "decide"], stdin=lines)
        if code == 0:
            through_json.append(count / took)
    if not all(found) or not through_json:
        return
    median = {name: statistics.median(f[name] for f in found) for name in found[0]}
    scanning = median["json_per_second"] / median["json_scanned_per_second"]
    note = (
        f"ten pods and a behavior each, no two alike; {statistics.median(through_json):,.0f}/s as lines of JSON of "
        f"{median['bytes_per_case'] / 1000:.1f} KB, {scanning:.0%} of that time to scan the text alone"
    )
    yield Row("check", "decisions a second", 1_000_000, False, [f["typed_per_second"] for f in found], note, unit="/s")


def cases(count):
    """This many distinct decisions, as input for `hpa-check decide`."""
    return output([EXAMPLE, "cases", count])


def settings(minimums, maximums, targets, windows):
    """The arguments for simulating a week of every combination."""
    found = {"min": minimums, "max": maximums, "cpu": targets, "window": windows}
    words = ["simulate", "--load", DAY, "--for", "168h", "--find", "--keep-utilization", "80"]
    return [*words, *(word for name, values in found.items() for word in (f"--try-{name}", values))]


def thousand_settings():
    return settings("1,2,3,4,5", "6,8,10,12,15", "30,40,50,60,70", "1m,2m,3m,4m,5m,6m,8m,10m")


def simulate(options, program):
    """Evaluates 1,000 settings for a week, or a sample of 20 if they would take more than 20 s."""
    took, code = seconds_of([program, *settings("1,2", "8,10", "30,40,50,60,70", "5m")])
    if code not in (0, 99):
        return
    what, projected = "a week for 1,000 settings", took * 50
    if projected > 20:
        yield Row("check", what, 2, True, [projected], "from a sample of 20", unit=" s")
        return
    times = [seconds_of([program, *thousand_settings()])[0] for _ in range(options.rounds)]
    yield Row("check", what, 2, True, times, unit=" s")


def long_trace(path, hours):
    """Repeats a recorded rehearsal at a cluster's pace for this long; returns the length in hours."""
    lines = RECORDING.read_text().splitlines()
    stamps = [parsed(m) for line in lines for m in STAMP.finditer(line)]
    begun, length = min(stamps), (max(stamps) - min(stamps)) * STRETCH
    setup = [line for line in lines if '"seen":"setting"' in line or '"seen":"fact"' in line or '"schema":' in line]
    body = [
        line
        for line in lines
        if line not in setup and '"seen":"load-result"' not in line and '"seen":"phase"' not in line
    ]
    copies = max(1, round(timedelta(hours=hours) / length))
    with path.open("w") as out:
        out.writelines(line + "\n" for line in setup)
        for copy in range(copies):

            def moved(found, copy=copy):
                at = begun + (parsed(found) - begun) * STRETCH + length * copy
                return at.strftime('"%Y-%m-%dT%H:%M:%S.%fZ"')

            out.writelines(STAMP.sub(moved, line) + "\n" for line in body)
    return copies * length / timedelta(hours=1)


def parsed(found):
    fraction = float(found[2] or 0)
    return datetime.fromisoformat(found[1]).replace(tzinfo=timezone.utc) + timedelta(seconds=fraction)


def replay(options, program, folder):
    points = []
    for hours in (3, 6, 12, 24):
        path = folder / f"{hours}.jsonl"
        length = long_trace(path, hours)
        page = folder / "report.html"
        times = []
        for _ in range(min(options.rounds, 3)):
            took, code = seconds_of([program, "replay", path, "--ui", "none"])
            if code in (0, 91, 92, 93):
                times.append(took)
        if not times:
            continue
        points.append((length, min(times)))
        if hours == 24:
            yield Row("check", "replay of 24 h", 1, True, times, f"{path.stat().st_size / 1e6:.1f} MB", unit=" s")
            seconds_of([program, "replay", path, "--ui", "none", "-o", f"html={page}"])
            if page.exists():
                yield Row("check", "HTML report of 24 h", 2, True, [page.stat().st_size / 1e6], unit=" MB")
    yield Curve("run-length", "Time to replay a run, by its length", "hours", "s", points, "1 is linear")


def doctor(options):
    """Runs `doctor -A` on in-memory API servers of growing size."""
    program = options.programs / "hpa-check"
    sizes = [(100, 1_000), (300, 3_000), (1_000, 10_000), (3_000, 30_000), (10_000, 100_000)]
    goals = {1_000: (5, 60), 10_000: (40, 300)}
    times, memory = [], []
    for autoscalers, pods in sizes:
        with cluster.Api(autoscalers, pods) as api:
            took, cpu, peak, code = api.run([program, "doctor", "-A"])
        if code != 0:
            say(f"doctor -A of {autoscalers:,} autoscalers ended with {code} instead of 0")
            continue
        times.append((autoscalers, took))
        memory.append((pods, peak))
        if autoscalers in goals:
            what = f"doctor -A of {autoscalers:,} autoscalers and {pods:,} pods"
            yield Row("check", f"{what}, time", goals[autoscalers][0], True, [took], f"{cpu:.1f} s of CPU", unit=" s")
            yield Row("check", f"{what}, memory", goals[autoscalers][1], True, [peak], unit=" MB")
    if times:
        yield Curve(
            "autoscalers",
            "Time of doctor -A, by autoscalers of ten pods each",
            "autoscalers",
            "s",
            times,
            "1 is linear",
        )
        yield Curve("pods", "Memory of doctor -A, by pods", "pods", "MB", memory, "0 would be a constant; 1 is linear")
