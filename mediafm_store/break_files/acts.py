"""The acts between the breaks of a title."""

from collections.abc import Iterable
from itertools import pairwise

from mediafm_store.ad_breaks.ad_break import AdBreak
from mediafm_store.break_files.break_times import spans_after
from mediafm_store.records import Span
from mediafm_store.segments import segment_of_span
from mediafm_store.storage.rows import span_of
from mediafm_store.storage.storage import Storage
from mediafm_store.timelines.segment import Segment, joined_span


def acts(store: Storage, title: str, breaks: Iterable[AdBreak]) -> list[Segment]:
    """Cut a title into the acts between its breaks, with a marker at each break.

    Raises:
        NotFound: The title is unknown.
    """
    row = store.title(title)
    placed = spans_after(store, title, list(breaks))
    whole = joined_span([span_of(shot) for shot in store.shots(title).to_dicts()])
    edges = [whole.start, *(span.start for _, span in placed), whole.end]
    said = [f"score {found.score:.3f}; {'; '.join(found.reasons)}" for found, _ in placed]
    markers = ["", *(f"break {i}: {text}" for i, text in enumerate(said, 1))]
    return [
        segment_of_span(row, Span(start, end, whole.time_base), f"{title} act {i}", marker=marker)
        for i, ((start, end), marker) in enumerate(zip(pairwise(edges), markers, strict=True), 1)
    ]
