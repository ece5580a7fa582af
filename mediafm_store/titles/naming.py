"""Resolve the names that people give to titles, shots and segments into ids.

An id means what it is the id of. Else a title is known by its id, by the name that is shown of it
and by its file's name (`sintel.mp4`, `sintel`), whatever their case and however their accents are
encoded; a shot by such a name and its number (`Sintel/42`), a segment by one and its times. What is
meant by a name that several titles have is not guessed.
"""

import os
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.records import shot_id, title_of
from mediafm_store.storage.storage import Storage
from mediafm_store.titles.written_names import (
    did_you_mean,
    key,
    parse_segment,
    parse_shot,
    shortened,
)

_MOST_NEAR, _MOST_TOLD = 3, 10
_COMPARED = 60
"""Characters of a name that are compared with others."""
_LEAST_PART = 3
"""Characters from which on a part of a name brings it to mind."""
_FORMS = "sintel/00042, sintel, sintel@0:03:10-0:03:40 or the path of a video, a picture or a sound"


class Named(NamedTuple):
    """Resolved name: a title, one of its shots, or a segment of it."""

    title: str
    """Its id, as are all of the store."""
    shot: str | None = None
    start: str | None = None
    end: str | None = None
    """Times of a segment, as they were written."""


def find_title(store: Storage, name: str) -> str:
    """Resolve the name of a title into its id.

    Raises:
        NotFound: No title has this name; the message lists similar ones.
        InvalidInput: Several titles have this name.
    """
    return Names(store).title(name)


def find_titles(store: Storage, names: Iterable[str]) -> list[str]:
    """Resolve several names of titles, in order; see `find_title`."""
    found = Names(store)
    return [found.title(name) for name in names]


def find_shot(store: Storage, name: str) -> str:
    """Resolve the name of a shot, such as `sintel/42`, into its id. Raises as `find_title` does."""
    return Names(store).shot(name)


def find_shots(store: Storage, names: Iterable[str]) -> list[str]:
    """Resolve several names of shots, in order; see `find_shot`."""
    found = Names(store)
    return [found.shot(name) for name in names]


def _find_named(store: Storage, name: str) -> Named:
    """Resolve a name of a title, a shot or a segment. Raises as `find_title` does."""
    return Names(store).find(name)


class Names:
    """Names of a store's titles; ids are at hand, display names are read when first needed."""

    def __init__(self, store: Storage) -> None:
        self._store = store
        self._counts = store.shot_counts()

    def title(self, name: str) -> str:
        """See `find_title`."""
        found = self._titles(name)
        if not found:
            raise NotFound(
                f"no title {shortened(name)!r} in {self._store.path};"
                f" {self._instead_of_title(name)}"
            )
        return self._only(name, found)

    def called(self, name: str) -> Sequence[str]:
        """The ids of all titles that are called so; none if none is."""
        return self._titles(name)

    def shot(self, name: str) -> str:
        """See `find_shot`."""
        found = self._shot(name)
        if found is None:
            raise NotFound(
                f"no shot {shortened(name)!r} in {self._store.path}; {self._instead_of_shot(name)}"
            )
        return found

    def exact(self, name: str) -> Named | None:
        """Resolve a name that is an id, or TITLE@START-END of one; None if it is neither."""
        if name in self._counts:
            return Named(name)
        title, number = parse_shot(name)
        if number is not None and number < self._counts.get(title, 0):
            return Named(title, name) if name == shot_id(title, number) else None
        title, start, end = parse_segment(name)
        return Named(title, None, start, end) if title in self._counts and end else None

    def find(self, name: str) -> Named:
        """See `_find_named`. A title goes before a shot, a shot before a segment."""
        if exact := self.exact(name):
            return exact
        if found := self._titles(name):
            return Named(self._only(name, found))
        if place := self.place(name):
            return place
        near = did_you_mean(self._near_any(name))
        raise NotFound(f"{shortened(name)!r} is no shot, title or file; {near or f'give {_FORMS}'}")

    def place(self, name: str) -> Named | None:
        """Resolve a name of a shot, else a segment; None if it holds no title's name."""
        if shot := self._shot(name):
            return Named(title_of(shot), shot)
        title, start, end = parse_segment(name)
        if end and (found := self._titles(title)):
            return Named(self._only(title, found), None, start, end)
        return None

    # Titles

    @cached_property
    def _rows(self) -> list[tuple[str, str, str]]:
        """Id, name and path of each title: the one read that a miss takes."""
        return self._store.called().select("id", "name", "media").rows()

    @cached_property
    def _called(self) -> dict[str, list[str]]:
        """The ids of titles by all that they may be called."""
        found: dict[str, list[str]] = {}
        for title_id, name, media in self._rows:
            file = os.path.basename(media)
            keys = map(key, (title_id, name, file, os.path.splitext(file)[0]))
            for one in dict.fromkeys(filter(None, keys)):
                found.setdefault(one, []).append(title_id)
        return found

    def _titles(self, name: str) -> Sequence[str]:
        """The ids of all titles that are called so."""
        return [name] if name in self._counts else self._called.get(key(name), [])

    def _only(self, name: str, found: Sequence[str]) -> str:
        """The one that was found; raise InvalidInput if there are several."""
        if len(found) == 1:
            return found[0]
        more = f" and {len(found) - _MOST_TOLD} more" if len(found) > _MOST_TOLD else ""
        raise InvalidInput(
            f"{shortened(name)!r} may be {len(found)} titles:"
            f" {', '.join(found[:_MOST_TOLD])}{more}; give the id of one"
        )

    # Shots

    def _shot(self, name: str) -> str | None:
        """Raises NotFound for a number beyond those of a title that is there."""
        title, number = parse_shot(name)
        if number is None or not (found := self._titles(title)):
            return None
        title_id = self._only(title, found)
        if number >= self._counts[title_id]:
            raise NotFound(
                f"no shot {shortened(name)!r} in {self._store.path}; {self._shots_of(title_id)}"
            )
        return shot_id(title_id, number)

    def _shots_of(self, title: str) -> str:
        """Number of shots of a title and the range of their ids, in words."""
        count = self._counts[title]
        if not count:
            return f"{title} has none"
        last = shot_id(title, count - 1)
        return f"{title} has {count} shots, {shot_id(title, 0)} to {last}"

    # What may have been meant

    def _instead_of_title(self, name: str) -> str:
        title, number = parse_shot(name)
        found = [] if number is None else self._titles(title)
        if any(number is not None and number < self._counts[title_id] for title_id in found):
            return f"that is a shot; give its title, {found[0]}"
        return did_you_mean(self._shown(self._near(name))) or "`mediafm titles list` lists them"

    def _instead_of_shot(self, name: str) -> str:
        if len(found := self._titles(name)) == 1:
            return f"that is a title; {self._shots_of(found[0])}"
        title, number = parse_shot(name)
        near = [] if number is None else self._near_shots(title, number)
        return did_you_mean(near) or (
            "shot ids look like sintel/00042, and `mediafm titles shots TITLE` lists them"
        )

    def _near_any(self, name: str) -> list[str]:
        """Known names that are similar to a name of any kind."""
        title, number = parse_shot(name)
        if number is not None:
            return self._near_shots(title, number)
        title, start, end = parse_segment(name)
        if end:
            return [f"{near}@{start}-{end}" for near in self._near(title)]
        return self._shown(self._near(name))

    def _near_shots(self, title: str, number: int) -> list[str]:
        """Shots of that number in titles that are called nearly so; the last where it is beyond."""
        near = [(title_id, self._counts[title_id]) for title_id in self._near(title)]
        return [shot_id(title_id, min(number, count - 1)) for title_id, count in near if count]

    def _shown(self, titles: Sequence[str]) -> list[str]:
        """Ids, with the names of titles that are called otherwise."""
        names = {title_id: name for title_id, name, _ in self._rows if title_id in titles}
        told = {
            title_id: key(name) in ("", key(title_id.replace("_", " ")))
            for title_id, name in names.items()
        }
        return [
            title_id if told[title_id] else f"{title_id} ({shortened(names[title_id])})"
            for title_id in titles
        ]

    def _near(self, name: str) -> list[str]:
        """The ids of titles that are called nearly so, nearest first; a few at most."""
        asked = key(name)[:_COMPARED]
        names = get_close_matches(asked, self._called, n=4 * _MOST_NEAR) if asked else []
        if len(asked) >= _LEAST_PART:
            names += [one for one in self._called if asked in one]
        # A name of many titles is no help, as that of a file that many were imported from.
        found = [ids for one in names if len(ids := self._called[one]) <= _MOST_NEAR]
        return list(dict.fromkeys(chain.from_iterable(found)))[:_MOST_NEAR]


def shots_within(
    store: Storage, title: str, start_s: float | None, end_s: float | None
) -> list[str]:
    """Ids of the shots of a title that overlap a segment, in play order.

    Args:
        store: The store that has the title.
        title: Id of the title.
        start_s: Start of the segment in seconds; None for the start of the title.
        end_s: End of the segment in seconds; None for the end of the title.

    Raises:
        InvalidInput: No shot overlaps the segment.
    """
    length = store.title(title)["duration_s"]
    shots = store.shots(title)
    start_s, end_s = start_s or 0.0, length if end_s is None else end_s
    inside = shots.filter((shots["start_s"] < end_s) & (shots["end_s"] > start_s))
    if inside.is_empty() or start_s >= end_s:
        raise InvalidInput(
            f"{title} has no shots from {start_s:g} to {end_s:g} s; it is {length:.1f} s long,"
            " give a start before an end within that"
        )
    return inside["id"].to_list()
