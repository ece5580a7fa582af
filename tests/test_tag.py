import numpy as np
import pytest

from mediafm_store import apply_tags
from mediafm_store.arrays import unit_rows
from mediafm_store.errors import BadInput, NotFound
from tests.conftest import random_vectors, title_rows


@pytest.fixture
def genres(store):
    """Three space films and three cat films; one of each kind without tags."""
    kinds = random_vectors(2)
    for i, (kind, tags) in enumerate(
        [(0, ["space"]), (0, ["space", "slow"]), (1, ["cats"]), (1, ["cats"]), (0, []), (1, [])]
    ):
        vectors = unit_rows(kinds[[kind]] + 0.3 * random_vectors(4, 10 + i))
        store.add_title(title_rows(store, f"film{i}", vectors, tags=tags))
    return store


def test_tags_come_from_similar_titles(genres):
    found = apply_tags(genres)
    best = {t.title: t for t in reversed(found)}
    assert set(best) == {"film4", "film5"}
    assert (best["film4"].tag, best["film5"].tag) == ("space", "cats")
    assert set(best["film4"].evidence) == {"film0", "film1"}
    assert all(0 < t.score <= 1 for t in found)
    stored = genres.tags().select("title", "tag").rows()
    assert sorted(stored) == sorted((t.title, t.tag) for t in found)


def test_a_named_title_gets_what_it_does_not_have(genres):
    best, *others = apply_tags(genres, ["film0"])
    assert best.tag == "slow"
    assert all(t.tag == "cats" and t.score < 0.1 < best.score for t in others)


def test_bad_input(genres, store, tmp_path):
    with pytest.raises(NotFound, match="nope"):
        apply_tags(genres, ["nope"])
    from mediafm_store import Store

    bare = Store(tmp_path / "bare", create=True)
    bare.add_title(title_rows(bare, "a", np.asarray(random_vectors(2))))
    with pytest.raises(BadInput, match="no title of the store has tags"):
        apply_tags(bare)
