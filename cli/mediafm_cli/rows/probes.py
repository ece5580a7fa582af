"""Probes, their figures, and what they say of items."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mediafm_cli.output import Row

if TYPE_CHECKING:
    from mediafm_store.probing.registry import Probe


def probe_row(probe: "Probe") -> Row:
    """Row of a probe."""
    return {
        "probe": probe.name,
        "kind": probe.kind,
        "of": probe.level,
        "reads": probe.space + (" and words" if probe.words else ""),
        "labels": len(probe.labels),
        "items": probe.facts["items"],
        "titles": probe.facts["titles"],
        "fingerprint": probe.fingerprint,
    }


def figure_rows(probe: "Probe") -> Iterator[Row]:
    """A line a figure."""
    for name, (value, low, high) in probe.facts["figures"].items():
        measure, _, of = name.partition(" ")
        own = "this probe" if of == probe.pool else ""
        interval = f"{low:.3f} to {high:.3f}"
        yield {"measure": measure, "of": of, "value": value, "95 %": interval, "": own}


def prediction_cells(row: Row) -> Row:
    """Table cells of a prediction."""
    applies = {True: "yes", False: "", None: ""}[row["applies"]]
    return {"item": row["item"], "label": row["label"], "score": row["score"], "applies": applies}
