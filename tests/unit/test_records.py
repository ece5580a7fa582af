from fractions import Fraction
from pathlib import Path

import pytest

from mediafm_store import Shot, Span
from mediafm_store.records import Title


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 5), (6, 5)])
def test_a_span_holds_something(start, end):
    with pytest.raises(ValueError, match=r"0 <= start < end"):
        Span(start, end, Fraction(1, 24))


def test_seconds_and_ids():
    shot = Shot("sintel", 42, Span(1001, 2002, Fraction(1, 24000)))
    assert shot.id == "sintel/00042"
    assert (shot.span.start_s, shot.span.end_s) == (1001 / 24000, 2002 / 24000)


def test_metadata_text_leaves_out_what_is_missing():
    title = Title("x", Path("x.mp4"), name="X", genres=("Drama", "Short"))
    assert title.metadata_text == "X. Drama, Short"
    assert Title("x", Path("x.mp4")).metadata_text == ""
