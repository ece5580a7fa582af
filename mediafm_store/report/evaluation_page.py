"""The page of everything that was measured."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from mediafm_store.charts import charts
from mediafm_store.charts.confusion import ConfusionChart, confused
from mediafm_store.charts.sprites import Sprites
from mediafm_store.evaluation.comparison import Comparison, Difference
from mediafm_store.evaluation.history import Dashboard, MetricSeries
from mediafm_store.files import write_text
from mediafm_store.report.drawn import calibrated, drawable, drawn
from mediafm_store.report.links import Links
from mediafm_store.report.rendering import render
from mediafm_store.storage.storage import Storage

_SCRIPTS = ("keys.js",)
_ENDS = 12
"""Number of the best and of the worst tags that are drawn; the others are folded away."""
_HEADINGS: dict[str, str] = {
    "probe": "Probe {}",
    "search": "Searches: {}",
    "model": "Model, preset {}",
    "space": "Versions of {}",
    "index": "Index of {}",
}
_MEASURES: dict[str, tuple[str, str]] = {
    "micro_ap": ("Average precision", "Over all tags and items together."),
    "macro_ap": ("Average precision, tag by tag", "The mean over tags; rare ones count as much."),
    "ap": ("Average precision", ""),
    "kendall_tau": ("Kendall's tau", "Pairs in the right order, less those in the wrong one."),
    "spearman": ("Spearman's rank correlation", "1 is the same order, 0 none."),
    "top_5": ("Own scene in the 5 best", "Share of the best five answers that are of the scene."),
    "recall_10": ("Scene within the 10 best", "Share of a shot's scene that the best ten hold."),
    "p5": ("Relevant among the 5 best", "Share of the first five answers, as people judged them."),
    "ndcg10": ("NDCG of the 10 best", "How near to the best order that people's grades allow."),
    "near": ("Near among the 10 best", "Share of the answers from around the shot that was asked."),
    "unanswered": ("Unanswered", "Share of queries without an answer though shots are relevant."),
    "refused": ("Refused", "Share of queries without an answer, of those that no shot answers."),
    "scene_auc": ("Own scene above another", "How often a shot of the same scene ranks first."),
    "same_scene": ("Same scene", "As above, of pairs that lie equally far apart in the film."),
    "masked_shots": ("Masked shots", "How far the guess of a hidden shot is from it (1 - cosine)."),
    "scene_ends": ("Scene ends", "Average precision of finding the cuts that end a scene."),
    "random_pairs": ("Random pairs", "Mean cosine of two shots; near 1 all point one way."),
    "effective_rank": ("Effective rank", "How many directions the vectors use."),
    "recall_at_10": ("Recall of the 10 nearest", "Against exact search; 1 is all."),
    "calibration": ("Calibration error", "How far probabilities are from what was observed."),
    "confusion": ("Confusion", "Share of the items whose first tag was the true one."),
    "p50_ms": ("Time of a search, median, ms", ""),
    "p99_ms": ("Time of a search, 99 %, ms", ""),
    "memory_mb": ("Memory, MB", ""),
    "disk_mb": ("On disk, MB", ""),
    "build_s": ("Building, s", ""),
}
"""Measure -> what it is called, and what it is."""


class Bar(NamedTuple):
    """A figure beside others, in percent of the longest."""

    name: str
    colour: str
    width: float
    left: float | None
    """Start of its interval."""
    span: float | None
    series: MetricSeries


class MetricGroup(NamedTuple):
    """One measure, of all that it was measured of."""

    measure: str
    title: str
    about: str
    better: str
    lead: MetricSeries
    """Series of our own model."""
    bars: Sequence[Bar]
    chance: float | None
    """Position of chance, in percent of the longest bar."""
    trend: charts.Chart | None
    series: Sequence[MetricSeries]


class TagFigures(NamedTuple):
    """One tag of a probe."""

    series: MetricSeries
    curves: Sequence[tuple[str, str, str]]
    """Colour, path and name of each curve of precision over recall."""


class PageSection(NamedTuple):
    """All that was measured of one thing."""

    anchor: str
    title: str
    version: str
    groups: Sequence[MetricGroup]
    others: Sequence[tuple[str, MetricSeries, str]]
    """Single values: name, figures, and a line of them."""
    best: Sequence[TagFigures]
    worst: Sequence[TagFigures]
    rest: Sequence[TagFigures]
    confusion: tuple[MetricSeries, ConfusionChart] | None
    calibration: tuple[MetricSeries, Sequence[charts.Bubble]] | None


def write_board_page(
    path: str | Path, *, store: Storage, board: Dashboard, comparison: Comparison | None = None
) -> None:
    """Write all metrics as one page. Raises InvalidInput if `path` cannot be written."""
    write_text(path, board_page(board, store=str(store.path), comparison=comparison))


def board_page(
    board: Dashboard,
    *,
    store: str,
    comparison: Comparison | None = None,
    links: Links | None = None,
) -> str:
    """The page as HTML."""
    differences = comparison.differences if comparison else ()
    return render(
        "board.html.j2",
        scripts=_SCRIPTS,
        store=store,
        board=board,
        comparison=comparison,
        sections=list(_sections(board.series)),
        training=[
            (curve, charts.training(curve.training, curve.validation, _level(curve.baselines)))
            for curve in board.curves
        ],
        worse=_most([one for one in board.series if one.verdict == "worse"]),
        better=_most([one for one in board.series if one.verdict == "better"]),
        overall=[d for d in differences if not d.series.label],
        of_tags=_most([d for d in differences if d.series.label]),
        ends=_ENDS,
        runs=len({p.run for one in board.series for p in one.points}),
        called=_called,
        links=links or Links(),
        pictures={},
        small=Sprites(),
    )


T = TypeVar("T", MetricSeries, Difference)


def _most(changed: Sequence[T]) -> list[T]:
    """Figures over all before those of single tags; for the worse, for sure and by much first."""

    def key(one: T) -> tuple[bool, bool, bool, float]:
        return _of(one).label != "", one.verdict != "worse", not one.outside, -_change_in_words(one)

    return sorted(changed, key=key)


def _of(one: MetricSeries | Difference) -> MetricSeries:
    """Series of a metric or of its change."""
    return one.series if isinstance(one, Difference) else one


def _change_in_words(one: MetricSeries | Difference) -> float:
    """Relative change of a metric."""
    was = abs(one.before.value) if one.before else 0.0
    return abs(one.change or 0.0) / was if was else 0.0


def _level(baselines: Mapping[str, float]) -> list[tuple[str, float]]:
    """The best baseline that needs no training; the others lie above it."""
    trivial = {name: v for name, v in baselines.items() if name != "untrained"}
    return sorted(trivial.items(), key=lambda item: item[1])[:1]


def _sections(series: Sequence[MetricSeries]) -> Iterator[PageSection]:
    """Sections of the page, one for each thing that was measured."""
    things: dict[tuple[str, str], list[MetricSeries]] = {}
    for one in series:
        things.setdefault((one.what, one.name), []).append(one)
    for number, ((what, name), found) in enumerate(things.items(), 1):
        yield _section(f"m{number}", what, name, found)


def _section(anchor: str, what: str, name: str, series: Sequence[MetricSeries]) -> PageSection:
    """One of them."""
    measures: dict[str, list[MetricSeries]] = {}
    for one in series:
        if not one.label:
            measures.setdefault(one.measure, []).append(one)
    special: dict[str, MetricSeries | None] = {
        n: drawn(measures.get(n, ())) for n in ("confusion", "calibration")
    }
    plain = {n: found for n, found in measures.items() if special.get(n) is None}
    tags = _tags_of([one for one in series if one.label])
    ends = len(tags) if len(tags) <= 2 * _ENDS else _ENDS
    matrix, bubbles = special["confusion"], special["calibration"]
    return PageSection(
        anchor=anchor,
        title=_HEADINGS.get(what, "{}").format(name),
        version=max((one.newest for one in series), key=lambda point: point.at).version,
        groups=[_group(n, found) for n, found in plain.items() if len(found) > 1],
        others=[
            (_called(one), one, charts.spark(one))
            for one in [
                *(found[0] for found in plain.values() if len(found) == 1),
                *(one for one in series if one.label and one.measure != "ap"),
            ]
        ],
        best=tags[:ends],
        worst=tags[max(ends, len(tags) - _ENDS) :],
        rest=tags[ends : max(ends, len(tags) - _ENDS)],
        confusion=(matrix, confused(matrix.newest.detail)) if matrix else None,
        calibration=(bubbles, calibrated(bubbles)) if bubbles else None,
    )


def _called(series: MetricSeries) -> str:
    """Name of a measure, with its subject and tag."""
    title = _MEASURES.get(series.measure, (_unknown_measure(series.measure), ""))[0]
    named = f"{series.label}: {title.lower()}" if series.label else title
    return f"{named}, {series.of}" if series.of else named


def _unknown_measure(measure: str) -> str:
    """A measure that this page does not know."""
    return measure.replace("_", " ").capitalize()


def _group(measure: str, series: Sequence[MetricSeries]) -> MetricGroup:
    """One measure: bars of the newest version, and all versions as lines."""
    title, about = _MEASURES.get(measure, (_unknown_measure(measure), ""))
    lead = series[0]
    now = [one for one in series if one.newest.version == lead.newest.version]
    longest = max(max(one.newest.value, one.newest.high or 0.0) for one in now) or 1.0
    colours = {id(one): charts.colour_of(one, number) for number, one in enumerate(series)}
    chance = next((one.newest.value for one in now if one.of == "chance"), None)
    return MetricGroup(
        measure,
        title,
        about,
        lead.better,
        lead,
        [_bar(one, colours[id(one)], longest) for one in now],
        None if chance is None else _share(chance, longest),
        charts.trend(series) if len(charts.ordered(series)) > 1 else None,
        series,
    )


def _bar(series: MetricSeries, colour: str, longest: float) -> Bar:
    """The newest figure beside the others."""
    point = series.newest
    left = None if point.low is None else _share(point.low, longest)
    right = None if point.high is None else _share(point.high, longest)
    span = None if left is None or right is None else right - left
    name = series.of or ("no filter" if series.what == "index" else "all")
    return Bar(name, colour, _share(point.value, longest), left, span, series)


def _share(value: float, longest: float) -> float:
    """In percent, between nothing and all."""
    return min(100.0, max(0.0, 100 * value / longest))


def _tags_of(series: Sequence[MetricSeries]) -> list[TagFigures]:
    """The tags of a probe, best first: in its own vectors, beside the others that it has."""
    found: dict[str, list[MetricSeries]] = {}
    for one in series:
        if one.measure == "ap":
            found.setdefault(one.label, []).append(one)
    tags = [TagFigures(several[0], list(_curves(several))) for several in found.values()]
    return sorted(tags, key=lambda tag: (-tag.series.newest.value, tag.series.label))


def _curves(series: Sequence[MetricSeries]) -> Iterator[tuple[str, str, str]]:
    """Precision over recall; of the others of the same version, too."""
    for number, one in enumerate(series):
        if one.newest.version == series[0].newest.version and drawable(one):
            detail = one.newest.detail
            path = charts.unit_path(detail["recall"], detail["precision"])
            yield charts.colour_of(one, number), path, one.of
