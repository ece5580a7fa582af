"""Folders of films: links into them, links that lead nowhere, names with line breaks."""

import os

import pytest

from mediafm_store.errors import InvalidInput
from mediafm_store.sources.videos import find_videos
from tests.helpers.command import mediafm
from tests.helpers.odd_films import make_film, pictures
from tests.unit.sources.test_videos import touch


def found_in(folder):
    warnings = []
    found = find_videos([folder], warnings.append)
    return [str(path.relative_to(folder)) for path in found], warnings


def test_linked_folders_are_followed(tmp_path):
    touch(tmp_path, "elsewhere/deep/a.mp4", "films/b.mp4")
    (tmp_path / "films" / "more").symlink_to(tmp_path / "elsewhere")
    assert found_in(tmp_path / "films") == (["b.mp4", "more/deep/a.mp4"], [])


def test_each_folder_is_looked_into_once_by_its_own_name(tmp_path):
    touch(tmp_path, "z/film.mp4", "elsewhere/a.mp4")
    (tmp_path / "a").symlink_to("z")
    (tmp_path / "z" / "round").symlink_to(tmp_path)
    (tmp_path / "z" / "self").symlink_to("self")
    for name in ("first", "second"):
        (tmp_path / name).symlink_to("elsewhere")
    found, (warning,) = found_in(tmp_path)
    assert found == ["elsewhere/a.mp4", "z/film.mp4"]
    assert "self, which is not there" in warning


def test_links_that_lead_nowhere_are_told(tmp_path):
    touch(tmp_path, "a.mp4")
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nothing.mp4")
    (tmp_path / "folder").symlink_to(tmp_path / "unmounted")
    found, warnings = found_in(tmp_path)
    assert found == ["a.mp4"]
    assert warnings == [
        f"{tmp_path / name} is left out: it is a link to {tmp_path / to}, which is not there"
        for name, to in (("folder", "unmounted"), ("gone.mp4", "nothing.mp4"))
    ]
    with pytest.raises(InvalidInput, match="does not exist"):
        find_videos([tmp_path / "gone.mp4"])


def test_a_folder_that_may_not_be_read_is_told(tmp_path):
    touch(tmp_path, "a.mp4", "secret/b.mp4")
    (tmp_path / "secret").chmod(0)
    if os.access(tmp_path / "secret", os.R_OK):
        pytest.skip("this user may read everything")
    found, (warning,) = found_in(tmp_path)
    (tmp_path / "secret").chmod(0o700)
    assert found == ["a.mp4"]
    assert warning == f"{tmp_path / 'secret'} is left out: Permission denied"


def test_a_name_with_a_line_break_is_told_in_one_line(tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    make_film(folder / "two\nlines.mp4", images=list(pictures(5)))
    (folder / "bad\n\x1b[31m.mp4").write_text("no film")
    (folder / "gone\n.mp4").symlink_to("no\nthing")
    done = mediafm("ingest", folder, "--store", tmp_path / "store")
    assert "1 of 2 videos failed" in done.stderr
    told = {
        r"two\nlines.mp4 has no sound": "Warning: ",
        r"bad\n\x1b[31m.mp4": "Error: ",
        r"gone\n.mp4 is left out": "Warning: ",
    }
    for name, level in told.items():
        # Where it takes longer than half a minute, lines of progress name the film too.
        lines = [line for line in done.stderr.splitlines() if name in line]
        (line,) = (line for line in lines if not line.startswith("titles: "))
        assert line.startswith(level)
