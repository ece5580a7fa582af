"""Outcomes of single queries, and their means."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from mediafm_store.metrics.intervals import Interval, mean_interval
from mediafm_store.storage.evaluations import Metric

Sort = Literal["similar", "text", "nothing"]
"""What is asked for: shots like one, what words say, and words for what is in no shot."""
Part = Literal["all", "tuned", "kept"]
"""Of the queries: every third is `kept`, and nothing may be tuned on those."""
CHANCE, BEST = "chance", "best"
"""What settings are compared with: random orders of the same shots, and their best one."""
_LOWER = ("near", "unanswered")
"""Measures of which less is better."""

Table = Mapping[str, Mapping[str, Interval]]
"""Setting, `chance` or `best` -> measure -> the mean over queries."""


class QueryOutcome(NamedTuple):
    """Outcome of one query."""

    query: str
    sort: Sort
    kind: str
    """Kind of a text query, from the labels."""
    kept: bool
    of: str
    """The setting, `chance` or `best`."""
    values: Mapping[str, float]
    """By measure."""


@dataclass(frozen=True)
class JudgedReport:
    """Outcomes of all judged queries.

    * p5: the share of the first five answers that are relevant
    * ndcg10: normalised discounted cumulative gain of the first ten
    * ap: average precision over all shots
    * near: the share of the first ten that are of the film of the query and within ten labelled
      shots of it, or in its labelled scene; of queries with answers
    * unanswered: the share of queries that get no answer though shots are relevant
    * refused: the share that get none, of queries that no shot answers
    """

    titles: Sequence[str]
    """That are labelled and in the store."""
    shots: int
    """That the store has of them."""
    skipped: Sequence[str]
    """The ids of queries about what is not in the store."""
    outcomes: Sequence[QueryOutcome]

    @property
    def similar(self) -> Table:
        """Measures over all queries by a shot."""
        return self.table("similar")

    @property
    def text(self) -> Table:
        """Measures over all text queries that shots answer."""
        return self.table("text")

    @property
    def nothing(self) -> Table:
        """Measures over all text queries that no shot answers."""
        return self.table("nothing")

    @property
    def kinds(self) -> list[str]:
        """Kinds of the text queries that shots answer."""
        return list(dict.fromkeys(o.kind for o in self.outcomes if o.sort == "text"))

    def table(self, sort: Sort, *, part: Part = "all", kind: str | None = None) -> Table:
        """Means over some of the queries; the intervals are bootstrapped over queries."""
        values: dict[str, dict[str, list[float]]] = {}
        for outcome in self.some(sort, part, kind):
            for measure, value in outcome.values.items():
                values.setdefault(outcome.of, {}).setdefault(measure, []).append(value)
        return {
            of: {measure: mean_interval(found) for measure, found in measures.items()}
            for of, measures in values.items()
        }

    def queries(self, sort: Sort, *, part: Part = "all", kind: str | None = None) -> int:
        """Number of queries of a sort, part and kind."""
        return len({outcome.query for outcome in self.some(sort, part, kind)})

    def some(self, sort: Sort, part: Part, kind: str | None) -> list[QueryOutcome]:
        """The outcomes of some of the queries."""
        return [
            outcome
            for outcome in self.outcomes
            if outcome.sort == sort
            and part in {"all", "kept" if outcome.kept else "tuned"}
            and kind in {None, outcome.kind}
        ]


def better(measure: str) -> Literal["higher", "lower"]:
    """Direction in which a measure gets better."""
    return "lower" if measure in _LOWER else "higher"


def judged_metrics(report: JudgedReport, sort: Sort, labels: str) -> Iterator[Metric]:
    """The figures of all queries of a sort, for the table `evaluations`.

    Those of the two parts are told as details, with what the file of `labels` is called.
    """
    tuned, kept = (report.table(sort, part=part) for part in ("tuned", "kept"))
    for of, measures in report.table(sort).items():
        for measure, (value, low, high) in measures.items():
            parts = {
                name: part[of][measure].value
                for name, part in (("tuned", tuned), ("kept", kept))
                if measure in part.get(of, {})
            }
            yield Metric(
                measure,
                value,
                of,
                low=low,
                high=high,
                better=better(measure),
                detail={"labels": labels, "queries": report.queries(sort), **parts},
                own=of not in {CHANCE, BEST},
            )
