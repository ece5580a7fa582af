"""The ids of titles: what files and names become as keys of tables and parts of addresses."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from mediafm_store.errors import InvalidInput, MediaFMError
from mediafm_store.sources.change_detection import content, size_in, sources_of, stat_of
from mediafm_store.storage.storage import Storage

_SIGNS = "_.-"
_NAMELESS = "untitled"
_DIGITS = 8
"""Digits of the digest that distinguishes names without letters."""

_SameFilm = Callable[[str, Path], bool]
"""True if a file is that of a stored title, given by its id, though its path differs."""
_SeriesOf = Callable[[Path], list[str]]
"""Series and episode of a film, as far as they are known."""


def caseless(name: str) -> str:
    r"""Form of a name without case and accents' encoding (Unicode's canonical caseless match).

    Some disks store letters and their accents as separate characters.

    Example:
        >>> caseless("Amélie") == caseless("AME\u0301LIE")
        True
    """
    if name.isascii():  # which most are, and a large store has many
        return name.casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def id_of(name: str) -> str:
    """Title id for a name: lower-case letters with their marks, digits, `_`, `-` and `.`.

    Names without letters and digits get a digest.

    Example:
        >>> id_of("My Film (2019)")
        'my_film_2019'
    """
    shown = caseless("".join(c for c in name if not _is_invisible(c)))
    title_id = re.sub("_+", "_", "".join(_kept_characters(shown))).strip(_SIGNS)
    if any(map(str.isalnum, title_id)):
        return title_id
    digest = hashlib.sha256(caseless(name).encode(errors="surrogatepass")).hexdigest()
    return f"{_NAMELESS}-{digest[:_DIGITS]}"


def _is_invisible(character: str) -> bool:
    """True if a character only affects how others are drawn: joiners, direction marks, variants."""
    return unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f"


def _kept_characters(name: str) -> Iterator[str]:
    """The characters of a name that an id can hold, `_` in place of each other one."""
    on_letter = False
    for c in name:
        on_letter = c.isalnum() or (on_letter and unicodedata.category(c).startswith("M"))
        yield c if on_letter or c in _SIGNS else "_"


def _former_id(name: str) -> str:
    """The id by the rule that stores were made with before: marks were lost."""
    return re.sub(r"[^\w.-]+", "_", name.casefold()).strip(_SIGNS) or _NAMELESS


def check_id(title: str) -> None:
    """Raise InvalidInput for an id that tables, or addresses of shots, could not hold."""
    if title != (title_id := id_of(title)):
        raise InvalidInput(
            f"--title {title!r} may hold small letters, digits, _, - and . only; give {title_id!r}"
        )


def name_ids(store: Storage, file: Path, names: Iterable[str]) -> dict[str, str]:
    """Ids of the titles in a file of several, by name; stored titles keep theirs."""
    media = _media_of(store)
    ids: dict[str, str] = {}
    for name in names:
        former = _former_id(name)
        is_stored = media.get(former) == str(file) and former not in ids.values()
        ids[name] = former if is_stored else id_of(name)
    return ids


def title_ids(
    store: Storage,
    files: Iterable[Path],
    is_same: _SameFilm,
    series_of: _SeriesOf = lambda file: [],
) -> dict[Path, str]:
    """Choose the title id of each file.

    A file that is in the store keeps its id. A new one is named after the file; if another film has
    that name, its series becomes part of the id if its metadata have one (`my_show_s02e01_pilot`),
    else as many of the folders above it as needed: `s2_episode_1`. Files of one folder that share a
    name share an id.

    Args:
        store: Store whose ids are taken.
        files: Video files.
        is_same: Tells if a file is that of a stored title.
        series_of: Gives the series and episode of a file.
    """
    media = _media_of(store)
    ids = _stored_ids(media, files, is_same)
    taken = set(ids.values())

    def fits(file: Path, title_id: str, times: int) -> bool:
        if title_id not in media:
            return times == 1 and title_id not in taken
        beside = Path(media[title_id]).parent == file.parent
        return beside or (title_id not in taken and is_same(title_id, file))

    choices = {file: _choices_of(file, series_of) for file in files if file not in ids}
    asked = {file: next(own) for file, own in choices.items()}
    while asked:
        times = Counter(
            title_id
            for title_id, _ in {(title_id, file.parent) for file, title_id in asked.items()}
        )
        found: dict[Path, str] = {}
        for file, title_id in asked.items():
            if fits(file, title_id, times[title_id]):
                found[file] = title_id
        left = {file: next(choices[file], "") for file in asked if file not in found}
        found |= {file: asked[file] for file, title_id in left.items() if not title_id}
        ids |= found
        taken |= set(found.values())
        asked = {file: title_id for file, title_id in left.items() if title_id}
    return ids


def _choices_of(file: Path, series_of: _SeriesOf) -> Iterator[str]:
    """The ids that a file may have, the shortest first: as it is called, by series, by folders."""
    yield id_of(file.stem)
    if series := series_of(file):
        yield "_".join(map(id_of, (*series, file.stem)))
    parts = file.parent.parts
    for folders in range(1, len(parts)):
        yield "_".join(map(id_of, (*parts[len(parts) - folders :], file.stem)))


def _stored_ids(
    media: Mapping[str, str], files: Iterable[Path], is_same: _SameFilm
) -> dict[Path, str]:
    """The ids of files that the store holds where they are, or by their former id."""
    at: dict[str, str] = {}
    for title_id, path in media.items():
        if path not in at or title_id == id_of(Path(path).stem):
            at[path] = title_id
    ids: dict[Path, str] = {}
    for file in files:
        former = _former_id(file.stem)
        if str(file) in at:
            ids[file] = at[str(file)]
        elif former in media and former != id_of(file.stem) and is_same(former, file):
            ids[file] = former
    return ids


def _media_of(store: Storage) -> dict[str, str]:
    """The paths of all titles, by id."""
    return dict(store.called().select("id", "media").iter_rows())


def is_gone(store: Storage) -> _SameFilm:
    """Test that takes a file for a stored title's if the title's own file is gone."""
    return lambda title_id, file: not Path(store.title(title_id)["media"]).exists()


def is_same_film(store: Storage) -> _SameFilm:
    """Test that takes a file for a stored title's if the content is equal or its folder moved."""

    def is_same(title_id: str, file: Path) -> bool:
        row = store.title(title_id)
        there, before = Path(row["media"]), sources_of(row)
        if not there.exists() and there.parts[-2:] == file.parts[-2:]:
            return True
        try:
            stat = stat_of(file)
            if before is None or size_in(before.media_stat) != size_in(stat):
                return False  # of another size: it need not be read
            return content(file, stat, None) == before.media
        except (OSError, MediaFMError):
            return False  # what is wrong with it is told when it is read

    return is_same
