"""The ids of titles."""

import json
from collections import Counter
from itertools import count
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mediafm_store.sources.ids import _former_id as former_id
from mediafm_store.sources.ids import id_of, is_same_film, name_ids, title_ids
from mediafm_store.sources.videos import series_of
from tests.conftest import random_vectors, title_rows
from tests.helpers.features import bring, film, save


@given(st.text())
def test_the_id_of_an_id_is_itself_and_holds_a_letter_or_digit(name):
    title_id = id_of(name)
    assert id_of(title_id) == title_id
    assert any(map(str.isalnum, title_id))
    assert "/" not in title_id


def films(folder: Path, *names: str) -> list[Path]:
    """Files of different sizes."""
    paths = [folder / name for name in names]
    for path, size in zip(paths, count(len(list(folder.rglob("*")))), strict=False):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x" * size)
    return paths


def ids(store, paths):
    """Those of files, in order."""
    found = title_ids(store, paths, is_same_film(store), series_of)
    return [found[path] for path in paths]


def keep(store, path, title_id):
    """A title in the store."""
    store.add_title(title_rows(store, title_id, random_vectors(2), media=str(path)))


def test_folders_are_part_of_the_ids_of_names_that_clash(store, tmp_path):
    paths = films(tmp_path, "S1/Episode 1.mp4", "S2/Episode 1.mp4", "S2/Episode 2.mp4")
    assert ids(store, paths) == ["s1_episode_1", "s2_episode_1", "episode_2"]


def test_the_series_goes_before_folders(store, tmp_path):
    told = {
        "a/pilot": {"series": "My Show", "season": 2, "episode": 1},
        "b/pilot": {"series": "Other"},
        "c/pilot": {},
        "d/other": {"series": "My Show"},
        "e/end": {"series": "Twice"},
        "f/end": {"series": "Twice"},
    }
    paths = films(tmp_path, *(f"{name}.mp4" for name in told))
    for path, facts in zip(paths, told.values(), strict=True):
        path.with_suffix(".json").write_text(json.dumps(facts))
    assert ids(store, paths) == [
        "my_show_s02e01_pilot",
        "other_pilot",
        "c_pilot",
        "other",
        "e_end",
        "f_end",
    ]
    keep(store, paths[0], "pilot")
    (new,) = films(tmp_path, "g/pilot.mp4")
    new.with_suffix(".json").write_text("no JSON")
    assert ids(store, [paths[1], new]) == ["other_pilot", "g_pilot"]


def test_as_many_folders_as_are_needed(store, tmp_path):
    names = ["A/S1/Episode 1.mp4", "B/S1/Episode 1.mp4", "★/🎬.mp4", "★★/🎬.mp4"]
    first, second, *others = ids(store, films(tmp_path, *names))
    assert (first, second) == ("a_s1_episode_1", "b_s1_episode_1")
    assert max(Counter(others).values()) == 1


def test_ids_that_are_in_the_store_stay(store, tmp_path):
    one, two, star = films(tmp_path, "S1/Episode 1.mp4", "S2/Episode 1.mp4", "★.mp4")
    keep(store, one, "episode_1")
    keep(store, star, "untitled")
    assert ids(store, [one, two, star]) == ["episode_1", "s2_episode_1", "untitled"]
    keep(store, two, "s2_episode_1")
    assert ids(store, [two]) == ["s2_episode_1"]


def test_ids_stay_when_a_whole_folder_moves(store, tmp_path):
    one, two, marked = films(tmp_path / "old", "S1/E.mp4", "S2/E.mp4", "S1/नमस्ते.mp4")
    keep(store, one, "e")
    keep(store, two, "s2_e")
    keep(store, marked, former_id("नमस्ते"))
    (tmp_path / "old").rename(tmp_path / "new")
    moved = [tmp_path / "new" / path.relative_to(tmp_path / "old") for path in (one, two, marked)]
    assert ids(store, moved) == ["e", "s2_e", former_id("नमस्ते")]


def test_another_film_of_a_name_does_not_replace_one_whose_file_is_gone(store, tmp_path):
    (two,) = films(tmp_path, "S2/Episode 1.mp4")
    keep(store, tmp_path / "S1" / "Episode 1.mp4", "episode_1")
    assert ids(store, [two]) == ["s2_episode_1"]


def test_files_of_one_folder_that_are_called_alike_have_one_id(store, tmp_path):
    assert ids(store, films(tmp_path, "film.mp4", "Film.mkv")) == ["film", "film"]


def test_folders_are_part_of_the_ids_of_imports_too(store, tmp_path):
    paths = [tmp_path / folder / "e.npz" for folder in ("S1", "S2")]
    for seed, path in enumerate(paths):
        path.parent.mkdir()
        save(path, **film(seed=seed))
    assert [r.title for r in bring(store, *paths)] == ["s1_e", "s2_e"]
    paths[0].rename(tmp_path / "e.npz")
    again = bring(store, paths[1])
    assert [(r.title, r.state) for r in again] == [("s2_e", "unchanged")]


def test_titles_of_a_table_keep_the_ids_that_they_were_stored_with(store, tmp_path):
    table = tmp_path / "all.parquet"
    names = ["नमस्ते", "Crêpe"]
    keep(store, table, former_id(names[0]))
    assert name_ids(store, table, names) == {names[0]: former_id(names[0]), names[1]: "crêpe"}
    assert name_ids(store, tmp_path / "other.parquet", names)[names[0]] == names[0]
