"""Charts as places in an SVG picture, worked out from figures; `charts.html.j2` draws them."""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from mediafm_store.evaluation.history import MetricSeries, Point
from mediafm_store.evaluation.training_curves import Steps

_WIDTH, _HEIGHT = 340.0, 170.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 14.0, 10.0, 24.0
"""Around the plot; texts of the axes stand there."""
_COLOURS = 5
_MOST_LABELS = 6
"""Versions that are named under a trend."""
_MOST_STEPS = 160
"""Points of a training curve; of more, means."""
_SHORT = 14
"""Letters of a version under a trend."""


class AxisTick(NamedTuple):
    """A text beside an axis, and where it stands."""

    at: float
    text: str


class Dot(NamedTuple):
    """A figure, its interval, and what to say of it."""

    x: float
    y: float
    low: float | None
    high: float | None
    said: str
    faint: bool
    """Measured before, of the same version."""


class Line(NamedTuple):
    """A line with its dots."""

    name: str
    colour: str
    """A class of the style sheet."""
    path: str
    dots: Sequence[Dot] = ()


class Chart(NamedTuple):
    """Lines between two axes."""

    lines: Sequence[Line]
    across: Sequence[AxisTick]
    up: Sequence[AxisTick]


class _AxisScale(NamedTuple):
    """From values to places."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Position of a value; its end of the axis if the value is outside."""
        size = self.high - self.low
        share = (value - self.low) / size if size else 0.5
        return round(self.start + min(1.0, max(0.0, share)) * (self.end - self.start), 2)


def _round_steps(low: float, high: float, most: int = 4) -> list[float]:
    """Round values that enclose a range, in about `steps` steps at most."""
    if not high - low > 1e-7 * max(1.0, abs(low), abs(high)):
        pad = max(abs(low) * 0.1, 0.05)
        low, high = low - pad, high + pad
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def _upward(values: Sequence[float]) -> tuple[_AxisScale, list[AxisTick]]:
    """The axis on the left."""
    steps = _round_steps(min(values), max(values))
    scale = _AxisScale(steps[0], steps[-1], _HEIGHT - _BOTTOM, _TOP)
    return scale, [AxisTick(scale.at(s), f"{s:g}".replace("-", "\N{MINUS SIGN}")) for s in steps]


def _path(places: Sequence[tuple[float, float]]) -> str:
    """A line through places."""
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in places) if places else ""


def colour_of(series: MetricSeries, number: int) -> str:
    """CSS class of a series: dashed for chance, else by its position in the list."""
    return "chance" if series.of == "chance" else f"c{number % _COLOURS}"


def trend(group: Sequence[MetricSeries]) -> Chart:
    """Chart of a measure over versions, with a line for each subject."""
    versions = ordered(group)
    points = [p for one in group for p in one.points]
    bounds = [b for p in points for b in (p.low, p.high) if b is not None]
    y, up = _upward([*(p.value for p in points), *bounds])
    x = _AxisScale(0, max(1, len(versions) - 1), _LEFT + 12, _WIDTH - _RIGHT - 12)
    column = {v: x.at(i) if len(versions) > 1 else _WIDTH / 2 for i, v in enumerate(versions)}
    lines = [
        Line(
            one.of or one.measure,
            colour_of(one, number),
            _path([(column[p.version], y.at(p.value)) for p in one.of_versions]),
            [_dot(p, column[p.version], y, faint=p not in one.of_versions) for p in one.points],
        )
        for number, one in enumerate(group)
    ]
    every = -(-len(versions) // _MOST_LABELS)
    across = [
        AxisTick(column[v], _short(v, versions)) for i, v in enumerate(versions) if i % every == 0
    ]
    return Chart(lines, across, up)


def ordered(group: Sequence[MetricSeries]) -> list[str]:
    """Versions of several series, oldest first; each series keeps its own order."""
    found: list[str] = []
    for one in sorted(group, key=lambda s: -len(s.of_versions)):
        following = len(found)
        for version in reversed([p.version for p in one.of_versions]):
            if version in found:
                following = found.index(version)
            else:
                found.insert(following, version)
    return found


def _dot(point: Point, x: float, y: _AxisScale, *, faint: bool) -> Dot:
    """A point of a trend."""
    low, high = (None if v is None else y.at(v) for v in (point.low, point.high))
    said = f"{point.version}: {figure(point.value)}"
    if point.low is not None and point.high is not None:
        said += f" ({figure(point.low)} to {figure(point.high)})"
    return Dot(x, y.at(point.value), low, high, f"{said}, {point.at:%Y-%m-%d %H:%M}", faint)


def _short(version: str, versions: Sequence[str]) -> str:
    """The last word of a version, if that tells them apart."""
    last = [re.split(r"[ _]", v)[-1] for v in versions]
    text = last[list(versions).index(version)] if len(set(last)) == len(last) else version
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"


def spark(series: MetricSeries) -> str:
    """Path of the values of a series, in a box of 80 by 20."""
    values = [p.value for p in series.points]
    if len(values) < 2:
        return ""
    x, y = _AxisScale(0, len(values) - 1, 2, 78), _AxisScale(min(values), max(values), 17, 3)
    return _path([(x.at(i), y.at(value)) for i, value in enumerate(values)])


def unit_path(across: Sequence[float], up: Sequence[float]) -> str:
    """A curve of shares from 0 to 1, in a square of 100."""
    x, y = _AxisScale(0, 1, 0, 100), _AxisScale(0, 1, 100, 0)
    return _path([(x.at(a), y.at(b)) for a, b in zip(across, up, strict=False)])


def training(steps: Steps, validation: Steps, baselines: Sequence[tuple[str, float]]) -> Chart:
    """Chart of losses over the steps; `baselines` are level lines."""
    losses = _thinned(steps)
    y, up = _upward([v for _, v in [*losses, *validation, *baselines]])
    last = max(step for step, _ in [*losses, *validation])
    x = _AxisScale(0, last, _LEFT, _WIDTH - _RIGHT)
    lines = [
        Line(name, "chance", _path([(_LEFT, y.at(v)), (_WIDTH - _RIGHT, y.at(v))]))
        for name, v in baselines
    ]
    for name, colour, found in (("training", "c4", losses), ("validation", "c0", validation)):
        places = [(x.at(step), y.at(value)) for step, value in found]
        dots = [
            Dot(*at, None, None, f"{name}, step {step}: {figure(value)}", False)
            for at, (step, value) in zip(places, found, strict=True)
        ]
        # Dots where there are few; one alone would not be seen without.
        lines.append(Line(name, colour, _path(places), dots if len(found) <= 30 else ()))
    return Chart(
        lines, [AxisTick(x.at(s), f"{s:g}") for s in _round_steps(0, last) if s <= last], up
    )


def _thinned(steps: Steps) -> Steps:
    """Means of consecutive steps, so that at most MOST_STEPS points are left."""
    many = -(-len(steps) // _MOST_STEPS)
    parts = [steps[i : i + many] for i in range(0, len(steps), many)]
    return [(part[-1][0], sum(v for _, v in part) / len(part)) for part in parts]


class Bubble(NamedTuple):
    """Group of predictions, in a square of 100; `radius` shows their number."""

    x: float
    y: float
    radius: float
    said: str


def calibration(
    predicted: Sequence[float], observed: Sequence[float], count: Sequence[float]
) -> list[Bubble]:
    """Calibration chart: observed frequency against predicted probability."""
    x, y = _AxisScale(0, 1, 0, 100), _AxisScale(0, 1, 100, 0)
    most = max(count, default=1) or 1
    return [
        Bubble(
            x.at(p),
            y.at(o),
            round(1.2 + 3.3 * math.sqrt(n / most), 2),
            f"predicted {figure(p)}, observed {figure(o)}, of {n:g}",
        )
        for p, o, n in zip(predicted, observed, count, strict=False)
        if n
    ]


def figure(value: float) -> str:
    """Format a value with three digits or more, and a true minus sign.

    Example:
        >>> figure(0.12345), figure(12.345), figure(1234.5)
        ('0.123', '12.3', '1,234')
    """
    decimals = 3 if abs(value) < 10 else 1 if abs(value) < 1000 else 0
    return f"{round(value, decimals) + 0.0:,.{decimals}f}".replace("-", "\N{MINUS SIGN}")
