"""Two versions of what was measured, side by side, and what got worse."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.evaluation.history import MetricSeries, Point, Verdict, outside, verdict

_MOST_NAMED = 6
"""Figures that a sentence can name."""


class Difference(NamedTuple):
    """Values of one metric for two versions; None where a version lacks it."""

    series: MetricSeries
    before: Point | None
    after: Point | None
    verdict: Verdict
    outside: bool | None
    """True if each lies outside the other's interval; None if one has no interval."""

    @property
    def change(self) -> float | None:
        """From the first version to the second."""
        if self.before is None or self.after is None:
            return None
        return self.after.value - self.before.value


@dataclass(frozen=True)
class Comparison:
    """Comparison of two versions."""

    before: str
    after: str
    differences: Sequence[Difference]
    said: str
    """In plain words: what got worse, and what better."""


def compare(series: Sequence[MetricSeries], before: str, after: str) -> Comparison:
    """Compare two versions by their newest metrics.

    Args:
        series: Metrics of the store.
        before: Earlier version, such as `genre v2`, `genre_v2`, `context_v1` or `checkpoint 0001`.
        after: Later version.

    Raises:
        NotFound: A version was never measured, or the two have no metric in common.
        InvalidInput: The versions are probes of two tasks.
    """
    versions = list(dict.fromkeys(p.version for one in series for p in one.points))
    first, second = (_version_named(name, versions) for name in (before, after))
    _check_alike(series, first, second)
    pairs: dict[tuple[str, str, str, str], dict[str, Point]] = {}
    about: dict[tuple[str, str, str, str], MetricSeries] = {}
    for one in series:
        last = {p.version: p for p in one.points if p.version in (first, second)}
        if last:
            # Names are left out: of models they are presets, of indexes spaces.
            key = one.what, one.measure, one.of, one.label
            pairs.setdefault(key, {}).update(last)
            about.setdefault(key, one)
    differences = [
        _metric_difference(about[key], found.get(first), found.get(second))
        for key, found in pairs.items()
    ]
    if all(one.before is None or one.after is None for one in differences):
        raise NotFound(
            f"{first} and {second} have no figure in common; compare two versions of one thing, as"
            " `mediafm reports show` lists them"
        )
    return Comparison(first, second, differences, _in_words(first, second, differences))


def _check_alike(series: Sequence[MetricSeries], first: str, second: str) -> None:
    """Raise InvalidInput for probes of two tasks, whose figures cannot be compared."""
    tasks = [
        {
            one.name
            for one in series
            if one.what == "probe" and any(p.version == v for p in one.points)
        }
        for v in (first, second)
    ]
    if tasks[0] != tasks[1]:
        raise InvalidInput(f"{first} and {second} are not of one task; compare two versions of one")


def _version_named(name: str, versions: Sequence[str]) -> str:
    """The version that a user means; raise NotFound if none was measured."""
    plain = name.replace("_", " ").casefold()
    for version in versions:
        if version.replace("_", " ").casefold() in (plain, f"checkpoint {plain}"):
            return version
    known = ", ".join(versions[:20]) or "none"
    raise NotFound(f"nothing was measured of a version {name!r}; there are {known}")


def _metric_difference(
    series: MetricSeries, before: Point | None, after: Point | None
) -> Difference:
    """Change of one metric."""
    change = verdict(series, before, after), outside(before, after)
    return Difference(series, before, after, *change)


def _in_words(first: str, second: str, differences: Sequence[Difference]) -> str:
    """Summary of the changes: metrics that got worse, and the number of better ones."""
    worse = sorted(
        (d for d in differences if d.verdict == "worse"),
        key=lambda d: (not d.outside, bool(d.series.label), -_relative(d)),
    )
    better = sum(d.verdict == "better" for d in differences)
    compared = sum(bool(d.verdict) for d in differences)
    also = f"{better} of {compared} figures got better."
    if not worse:
        return f"From {first} to {second} nothing got worse; {also}"
    named = "; ".join(_worsened_line(one) for one in worse[:_MOST_NAMED])
    more = f"; and {len(worse) - _MOST_NAMED} more" if len(worse) > _MOST_NAMED else ""
    return f"From {first} to {second} got worse: {named}{more}. {also}"


def _relative(one: Difference) -> float:
    """Size of a change relative to the metric."""
    size = abs(one.before.value) if one.before else 0.0
    return abs(one.change or 0.0) / size if size else 0.0


def _worsened_line(one: Difference) -> str:
    """One figure that got worse."""
    assert one.before is not None
    assert one.after is not None
    sure = {True: ", outside both intervals", False: ", within an interval", None: ""}[one.outside]
    return f"{_called(one.series)} ({one.before.value:.3f} to {one.after.value:.3f}{sure})"


def _called(series: MetricSeries) -> str:
    """Name of a metric in a sentence."""
    of = f" of {series.of}" if series.of else ""
    label = f" for {series.label}" if series.label else ""
    return f"{series.measure.replace('_', ' ')}{of}{label}"
