"""What notebooks show."""

from collections.abc import Sequence

from mediafm_store.charts.sprites import data_uri
from mediafm_store.report.rendering import render
from mediafm_store.retrieval.hit import Hit
from mediafm_store.storage.storage import Storage

_MOST = 50
"""Results that are shown."""


def hits_table(store: Storage, hits: Sequence[Hit]) -> str:
    """Results as an HTML table with pictures; at most 50 of them."""
    shown = hits[:_MOST]
    pictures = store.thumbnails([hit.shot for hit in shown])
    return render(
        "hits.html.j2",
        hits=shown,
        left_out=len(hits) - len(shown),
        pictures={shot: data_uri(jpeg) for shot, jpeg in pictures.items()},
    )
