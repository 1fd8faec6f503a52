"""Rows and curves, and the page, JSON and charts made from them."""

import html
import json
import math
import statistics

from .machine import description


class Row:
    """One goal and its measurements, one per round: ratios to a peer, or values with a unit."""

    def __init__(self, part, what, goal, at_most, values, note="", unit=""):
        self.part, self.what, self.goal, self.at_most = part, what, goal, at_most
        self.values, self.note, self.unit = values, note, unit

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def met(self):
        return self.median <= self.goal if self.at_most else self.median >= self.goal

    def as_json(self):
        return {
            "part": self.part,
            "what": self.what,
            "goal": self.goal,
            "goal_is": "at most" if self.at_most else "at least",
            "unit": self.unit,
            "median": self.median,
            "values": self.values,
            "met": self.met,
            "note": self.note,
        }


class Curve:
    """A cost as one quantity grows: points (x, y), and the exponent of y ~ x^e."""

    def __init__(self, name, what, x, y, points, note="", fit_from=0):
        self.name, self.what, self.x, self.y, self.note = name, what, x, y, note
        self.points, self.fit_from = sorted(points), fit_from

    @property
    def exponent(self):
        return exponent([p for p in self.points if p[0] >= self.fit_from])

    def as_json(self):
        return {
            "name": self.name,
            "what": self.what,
            "x": self.x,
            "y": self.y,
            "points": self.points,
            "fitted_from": self.fit_from,
            "exponent": self.exponent,
            "note": self.note,
        }


def exponent(points):
    """The slope of the least-squares line through (log x, log y); None for fewer than two points."""
    logs = [(math.log(x), math.log(y)) for x, y in points if x > 0 and y > 0]
    if len({x for x, _ in logs}) < 2:
        return None
    mean_x, mean_y = (statistics.fmean(p[i] for p in logs) for i in (0, 1))
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / sum((x - mean_x) ** 2 for x, _ in logs)


def number(value):
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 0.1 else f"{value:.2f}".rstrip("0").rstrip(".")


def write(out, rows, curves, options, share):
    state = "**busy**: other programs used {:.0%} of the cores".format(share) if options.busy else "quiet"
    lines = [
        "# Results",
        "",
        f"Measured on {description()}; {options.rounds} rounds; the machine was {state}. Every peer ran in every round, in turn,",
        "on a core of its own. Without a unit, a value is ours divided by theirs. The range is that of the rounds. `make bench`",
        "makes this page again; [README.md](README.md) says how each row is measured.",
        "",
        "| what | goal | median | range | met | |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        goal = f"{'≤' if row.at_most else '≥'} {number(row.goal)}{row.unit}"
        spread = f"{number(min(row.values))} to {number(max(row.values))}"
        met = "yes" if row.met else "**no**"
        lines.append(f"| {row.what} | {goal} | **{number(row.median)}{row.unit}** | {spread} | {met} | {row.note} |")
    lines += ["", "![Each row relative to its goal](chart.svg)", ""]
    if curves:
        lines += ["## How costs grow", "", "| what | grows with the power of | |", "|---|---|---|"]
        for curve in curves:
            fitted = "–" if curve.exponent is None else f"{curve.exponent:.2f}"
            lines.append(f"| [{curve.what}](scale-{curve.name}.svg) | {fitted} | {curve.note} |")
            (out / f"scale-{curve.name}.svg").write_text(curve_chart(curve))
        lines.append("")
    (out / "RESULTS.md").write_text("\n".join(lines))
    found = {
        "machine": description(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "busy_share": share,
        "rows": [r.as_json() for r in rows],
        "curves": [c.as_json() for c in curves],
    }
    (out / "results.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    (out / "chart.svg").write_text(goal_chart(rows))


STYLE = (
    "<style>text{fill:#24292f}.met{fill:#2a7f4f}.not{fill:#c2410c}.goal,.axis{stroke:#24292f;stroke-width:1.5}"
    ".dot{fill:#0969da}.fit{stroke:#c2410c;stroke-width:1.5;stroke-dasharray:5 4}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.goal,.axis{stroke:#e6edf3}.dot{fill:#58a6ff}}</style>"
)


def svg(width, height, title, parts):
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-family="system-ui,sans-serif" font-size="13">'
    return "\n".join([head, f"<title>{html.escape(title)}</title>", STYLE, *parts, "</svg>", ""])


def goal_chart(rows):
    """The distance of each row from its goal, log scale from a tenth to ten; right of the line is better."""
    left, width, step = 430, 360, 24
    middle = left + width / 2
    height = step * len(rows) + 50
    parts = [f'<text x="{middle}" y="16" text-anchor="middle">worse ← goal → better</text>']
    for i, row in enumerate(rows):
        y = 28 + i * step
        # A value of zero is drawn at the edge of the chart.
        value, goal = max(row.median, 1e-9), max(row.goal, 1e-9)
        better = math.log10(goal / value if row.at_most else value / goal)
        if row.met and better < 0 or value == goal:
            better = 0
        x = middle + max(-1.0, min(1.0, better)) * width / 2
        start, length = min(x, middle), max(2.0, abs(x - middle))
        parts.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{html.escape(row.what)}</text>')
        parts.append(
            f'<rect class="{"met" if row.met else "not"}" x="{start:.1f}" y="{y}" width="{length:.1f}" height="16"/>'
        )
        parts.append(f'<text x="{left + width + 8}" y="{y + 13}">{number(row.median)}{row.unit}</text>')
    parts.append(f'<line class="goal" x1="{middle}" x2="{middle}" y1="22" y2="{height - 14}"/>')
    return svg(left + width + 110, height, "Each row relative to its goal", parts)


def curve_chart(curve):
    """The points on logarithmic axes, with the fitted line."""
    left, top, width, height = 90, 40, 560, 340
    points = [(x, y) for x, y in curve.points if x > 0 and y > 0]
    if not points:
        return svg(left + width, top + height, curve.what, [])
    spans = []
    for axis in (0, 1):
        low, high = (f(math.log10(p[axis]) for p in points) for f in (min, max))
        spans.append((math.floor(low), max(math.ceil(high), math.floor(low) + 1)))

    def place(x, y):
        (x0, x1), (y0, y1) = spans
        return left + (math.log10(x) - x0) / (x1 - x0) * width, top + height - (math.log10(y) - y0) / (y1 - y0) * height

    parts = [
        f'<text x="{left}" y="22" font-weight="600">{html.escape(curve.what)}</text>',
        f'<line class="axis" x1="{left}" x2="{left + width}" y1="{top + height}" y2="{top + height}"/>',
        f'<line class="axis" x1="{left}" x2="{left}" y1="{top}" y2="{top + height}"/>',
    ]
    for power in range(spans[0][0], spans[0][1] + 1):
        parts.append(
            f'<text x="{place(10.0**power, 10.0 ** spans[1][0])[0]:.1f}" y="{top + height + 20}" text-anchor="middle">{number(10.0**power)}</text>'
        )
    for power in range(spans[1][0], spans[1][1] + 1):
        parts.append(
            f'<text x="{left - 8}" y="{place(10.0 ** spans[0][0], 10.0**power)[1] + 4:.1f}" text-anchor="end">{number(10.0**power)}</text>'
        )
    parts.append(f'<text x="{left + width}" y="{top + height + 40}" text-anchor="end">{html.escape(curve.x)} →</text>')
    parts.append(f'<text x="{left + 6}" y="{top + 4}">↑ {html.escape(curve.y)}</text>')
    fitted = [p for p in points if p[0] >= curve.fit_from]
    if curve.exponent is not None:
        offset = statistics.fmean(math.log10(y) - curve.exponent * math.log10(x) for x, y in fitted)
        ends = [place(x, 10 ** (offset + curve.exponent * math.log10(x))) for x in (fitted[0][0], fitted[-1][0])]
        parts.append('<line class="fit" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>'.format(*ends[0], *ends[1]))
        parts.append(f'<text x="{left + width}" y="22" text-anchor="end">fitted exponent {curve.exponent:.2f}</text>')
    for x, y in points:
        at = place(x, y)
        parts.append(
            f'<circle class="dot" cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="4"><title>{number(x)}: {number(y)}</title></circle>'
        )
    return svg(left + width + 30, top + height + 52, curve.what, parts)
