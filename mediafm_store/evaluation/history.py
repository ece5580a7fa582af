"""All that was ever measured of a store, figure by figure over versions."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from mediafm_store.evaluation.coverage import Coverage, coverage
from mediafm_store.evaluation.training_curves import Curve, training_curves
from mediafm_store.storage.evaluations import What
from mediafm_store.storage.storage import Storage

Verdict = Literal["better", "worse", "same", ""]
"""Of a change; nothing where there is nothing to compare with, or of what is no merit of ours."""
_KINDS: tuple[What, ...] = ("probe", "search", "model", "space", "index")
"""In the order of tables and pages."""
_ORDER = (
    "",
    "model",
    "context",
    "title",
    "isolated",
    "smoothed",
    "concatenation",
    "visual",
    "audio",
    "text",
)
"""Of what is measured side by side; others follow, chance comes last."""
_SIZES = ("memory_mb", "disk_mb", "build_s")
"""They grow with the catalogue, which makes nothing worse."""
_TIMES = ("p50_ms", "p99_ms")
_NOISE = 0.2
"""Times that differ by less than this share are the same."""
_SAME = 5e-4
"""Less than this is no change: it cannot be seen with three decimals."""


class Point(NamedTuple):
    """Value of a metric in one run."""

    version: str
    value: float
    low: float | None
    high: float | None
    at: datetime
    run: str
    fingerprint: str
    software: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class MetricSeries:
    """Values of a metric in all runs."""

    what: str
    name: str
    measure: str
    of: str
    label: str
    better: str
    """`higher` or `lower`."""
    ours: bool
    """True for a metric of our own model, False for a baseline."""
    points: Sequence[Point]
    """By version, oldest first; of one version as they were measured."""

    @property
    def newest(self) -> Point:
        """Point of the newest version."""
        return self.points[-1]

    @property
    def of_versions(self) -> list[Point]:
        """The last of each version."""
        return list({point.version: point for point in self.points}.values())

    @property
    def before(self) -> Point | None:
        """Point of the version before; with one version only, its previous measurement."""
        versions = self.of_versions
        if len(versions) > 1:
            return versions[-2]
        return self.points[-2] if len(self.points) > 1 else None

    @property
    def change(self) -> float | None:
        """Since then."""
        return None if self.before is None else self.newest.value - self.before.value

    @property
    def verdict(self) -> Verdict:
        """Direction of the newest change."""
        return verdict(self, self.before, self.newest)

    @property
    def outside(self) -> bool | None:
        """True if the newest value and the one before lie outside each other's intervals."""
        return outside(self.before, self.newest)


@dataclass(frozen=True)
class Dashboard:
    """All metrics, learning curves and the coverage of a store."""

    series: Sequence[MetricSeries]
    """Every row of `evaluations` is a point of one of them. By kind, name, measure."""
    curves: Sequence[Curve]
    coverage: Coverage

    def versions(self) -> list[str]:
        """All that was measured, the last first."""
        last: dict[str, datetime] = {}
        for point in (p for one in self.series for p in one.points):
            last[point.version] = max(point.at, last.get(point.version, point.at))
        return sorted(last, key=lambda version: (last[version], version), reverse=True)


def dashboard(store: Storage) -> Dashboard:
    """Collect the metrics of a store, the learning curves of its models, and its coverage."""
    rows = store.rows("evaluations").to_dicts()
    return Dashboard(series_of(rows), training_curves(store), coverage(store))


def series_of(rows: Sequence[Mapping[str, Any]]) -> list[MetricSeries]:
    """Group rows of the table `evaluations` by metric."""
    order = _version_order(rows)
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["what"], row["name"], row["measure"], row["of"], row["label"]].append(row)
    found = []
    for key, same in groups.items():
        same.sort(key=lambda row: (order[row["version"]], row["at"], row["run"]))
        what, name, measure, of, label = key
        ours = measure not in _SIZES and bool(same[-1]["own"])
        points = [_point(row) for row in same]
        found.append(MetricSeries(what, name, measure, of, label, same[-1]["better"], ours, points))
    return sorted(found, key=_place_among)


def _place_among(series: MetricSeries) -> tuple[Any, ...]:
    """Sort key of a metric: ours before its baselines."""
    kind = _rank(series.what, _KINDS), series.what, series.name, series.measure
    beside = series.of == "chance", _rank(series.of, _ORDER), series.of
    return *kind, not series.ours, *beside, series.label


def _rank(name: str, order: Sequence[str]) -> int:
    """The place of a name in a list; unknown ones come after all others."""
    return order.index(name) if name in order else len(order)


def _version_order(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[datetime, str, int]]:
    """Versions as they came: those of one name by their number, names as first measured."""
    first: dict[str, datetime] = {}
    for row in rows:
        stem, _ = _numbered(row["version"])
        first[stem] = min(row["at"], first.get(stem, row["at"]))
    parts = {row["version"]: _numbered(row["version"]) for row in rows}
    return {version: (first[stem], stem, number) for version, (stem, number) in parts.items()}


def _numbered(version: str) -> tuple[str, int]:
    """`genre v` and 10 of `genre v10`."""
    digits = re.search(r"[0-9]{0,9}\Z", version)
    number = digits[0] if digits else ""
    return version.removesuffix(number), int(number or 0)


def _point(row: Mapping[str, Any]) -> Point:
    """Point of a stored metric row."""
    detail = json.loads(row["detail"]) if row["detail"] else {}
    return Point(**{n: row[n] for n in Point._fields if n != "detail"}, detail=detail)


def verdict(series: MetricSeries, before: Point | None, after: Point | None) -> Verdict:
    """Direction of the change from one point to the other."""
    if before is None or after is None or not series.ours:
        return ""
    change = after.value - before.value
    seen = _NOISE * abs(before.value) if series.measure in _TIMES else _SAME
    if abs(change) < seen:
        return "same"
    return "better" if (change > 0) == (series.better == "higher") else "worse"


def outside(a: Point | None, b: Point | None) -> bool | None:
    """True if the values lie outside each other's intervals; None if that is unknown."""
    if a is None or b is None or None in (a.low, a.high, b.low, b.high):
        return None
    return not _within(a.value, b) and not _within(b.value, a)


def _within(value: float, point: Point) -> bool:
    """True if a value lies in the interval of a point."""
    return point.low is not None and point.high is not None and point.low <= value <= point.high
