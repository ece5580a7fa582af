"""Read a label file: what is in the shots of some films, and which of them answer queries.

    {"films": {"sintel": {"shots": [
       {"start_s": 0, "end_s": 3.5}, {"start_s": 3.5, "end_s": 5, "tiny": false, "scene": 1}]}},
     "similar_queries": [{"id": "S1", "film": "sintel", "start_s": 0, "end_s": 3.5, "relevant": [
       {"film": "sintel", "start_s": 3.5, "end_s": 5, "grade": 2}]}],
     "text_queries": [{"id": "T1", "text": "a dragon", "kind": "subject", "relevant": [
       {"film": "sintel", "start_s": 0, "end_s": 3.5, "grade": 1}]}]}

A film is called as the title in the store. Its shots stand in play order; those that are `tiny` are
too short to be judged; `tiny` and `scene` may be left out. In queries, a segment stands for the
labelled shot that holds its middle. Grade 2 is what was asked for, 1 is so in part. Text queries of
kind `none` ask for what is in no shot. Other keys are for people and not read.
"""

import math
import reprlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from mediafm_store.errors import InvalidInput
from mediafm_store.judgements.judgements import (
    Judgements,
    LabelledShot,
    ShotPosition,
    SimilarQuery,
    TextQuery,
)
from mediafm_store.text_files.json_text import read_json

_LARGEST = 50_000_000
"""Bytes; labels of a few hundred hours of film are smaller."""
_GRADES = (1, 2)
_NOTHING = "none"
"""The kind of the text queries that no shot answers."""
_KEPT_EVERY = 3
"""One query in this many is kept out of tuning."""

Row = Mapping[str, Any]
T = TypeVar("T")
_CALLED: Mapping[type, str] = {str: "a text", list: "a list", dict: "an object"}


def read_judgements(path: str | Path) -> Judgements:
    """Read and check a label file; the top of this module shows one.

    Every third query of `similar_queries`, and of `text_queries`, is `kept` out of tuning.

    Raises:
        InvalidInput: A value is missing or wrong; the message names the file and the value.
    """
    path = Path(path)
    try:
        return _judgements(path, _load_object(path))
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error}") from error


def _load_object(path: Path) -> Row:
    """The JSON object in a file of bounded size."""
    if not path.is_file():
        raise InvalidInput("there is no such file; give a file of labels as JSON")
    if (size := path.stat().st_size) > _LARGEST:
        raise InvalidInput(f"{size:,} bytes are too many for labels; {_LARGEST:,} are read at most")
    if not size:
        raise InvalidInput("it is empty; give a file of labels as JSON")
    try:
        found = read_json(path)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"it cannot be read as JSON: {error}") from error
    return _an_object(found, "it")


def _judgements(path: Path, found: Row) -> Judgements:
    """Judgements in the object of a label file."""
    films = {film: _labelled_shots(film, row) for film, row in _value(found, "films", dict).items()}
    labels = Judgements(path, films, (), ())
    similar = [
        _similar_query(labels, row, where, _is_kept(number))
        for number, (where, row) in enumerate(_objects(found, "similar_queries"))
    ]
    text = [
        _text_query(labels, row, where, _is_kept(number))
        for number, (where, row) in enumerate(_objects(found, "text_queries"))
    ]
    every = Judgements(path, films, similar, text)
    times = Counter(query.id for query in every.queries)
    if not times:
        raise InvalidInput("it has no queries: similar_queries and text_queries are empty")
    if twice := [query_id for query_id, count in times.items() if count > 1]:
        raise InvalidInput(f"two queries have the id {_short(twice[0])}")
    return every


def _is_kept(number: int) -> bool:
    """True if a query is held out from tuning."""
    return number % _KEPT_EVERY == _KEPT_EVERY - 1


def _labelled_shots(film: str, row: object) -> list[LabelledShot]:
    """The shots of a film, none of which begins before the one before it ends."""
    where = f"films {_short(film)}"
    shots: list[LabelledShot] = []
    for at, shot in _objects(_an_object(row, where), "shots", where):
        start_s, end_s = _segment(shot, at)
        tiny, scene = shot.get("tiny", False), shot.get("scene")
        if shots and start_s < shots[-1].end_s:
            raise InvalidInput(f"{at}: start_s {start_s} lies before the end of the shot before it")
        if not isinstance(tiny, bool):
            raise InvalidInput(f"{at}: tiny must be true or false, is {_short(tiny)}")
        if isinstance(scene, bool) or not isinstance(scene, str | int | None):
            raise InvalidInput(f"{at}: scene must be a text or a whole number, is {_short(scene)}")
        shots.append(LabelledShot(start_s, end_s, tiny, scene))
    if not shots:
        raise InvalidInput(f"{where}: shots is empty; leave the film out")
    return shots


def _similar_query(labels: Judgements, row: Row, where: str, kept: bool) -> SimilarQuery:
    """A query by a shot."""
    query_id, place = _nonempty_text(row, "id", where), _labelled_shot(labels, row, where)
    relevant = _grades(labels, row, where)
    if not relevant:
        raise InvalidInput(f"{where}: relevant is empty: there is nothing to find")
    if place in relevant:
        raise InvalidInput(
            f"{where}: the shot that is searched for is listed as relevant to itself"
        )
    return SimilarQuery(query_id, place, sum(_segment(row, where)) / 2, relevant, kept)


def _text_query(labels: Judgements, row: Row, where: str, kept: bool) -> TextQuery:
    """A query by words."""
    query_id, text, kind = (_nonempty_text(row, name, where) for name in ("id", "text", "kind"))
    relevant = _grades(labels, row, where)
    if (kind == _NOTHING) is bool(relevant):
        raise InvalidInput(
            f"{where}: {len(relevant)} shots are relevant and kind is {_short(kind)}; queries that"
            f" no shot answers, and only those, are of kind {_NOTHING!r}"
        )
    return TextQuery(query_id, text, kind, relevant, kept)


def _grades(labels: Judgements, row: Row, where: str) -> dict[ShotPosition, int]:
    """The relevant shots of a query."""
    found: dict[ShotPosition, int] = {}
    for at, relevant in _objects(row, "relevant", where):
        place, grade = _labelled_shot(labels, relevant, at), relevant.get("grade")
        if not isinstance(grade, int) or isinstance(grade, bool) or grade not in _GRADES:
            raise InvalidInput(f"{at}: grade must be 1 or 2, {_as_found(relevant, 'grade')}")
        if place in found:
            raise InvalidInput(f"{at}: the shot at {relevant['start_s']} s was listed before")
        found[place] = grade
    return found


def _labelled_shot(labels: Judgements, row: Row, where: str) -> ShotPosition:
    """The labelled shot that holds the middle of a segment."""
    film = _nonempty_text(row, "film", where)
    start_s, end_s = _segment(row, where)
    if film not in labels.films:
        raise InvalidInput(f"{where}: film {_short(film)} is not among the films of the file")
    place = labels.place(film, (start_s + end_s) / 2, shot=where)
    shot = labels.labelled(place)
    if shot is None:
        raise InvalidInput(f"{where}: no labelled shot holds the middle of {start_s} to {end_s} s")
    if shot.tiny:
        raise InvalidInput(f"{where}: the shot at {start_s} s is tiny, and such are not judged")
    return place


def _segment(row: Row, where: str) -> tuple[float, float]:
    """Start and end in seconds."""
    start_s, end_s = (_finite_seconds(row, name, where) for name in ("start_s", "end_s"))
    if not 0 <= start_s < end_s:
        raise InvalidInput(f"{where}: it must be 0 <= start_s < end_s, is {start_s} and {end_s}")
    return start_s, end_s


def _finite_seconds(row: Row, name: str, where: str) -> float:
    """A finite number."""
    found = row.get(name)
    if isinstance(found, int | float) and not isinstance(found, bool):
        try:
            if math.isfinite(found):
                return float(found)
        except OverflowError:  # a whole number too large for one with a point
            pass
    raise InvalidInput(f"{where}: {name} must be a number of seconds, {_as_found(row, name)}")


def _nonempty_text(row: Row, name: str, where: str) -> str:
    """A text that is not empty, and is one: JSON can hold halves of characters."""
    found = _value(row, name, str, where)
    if not found.strip() or any("\ud800" <= character <= "\udfff" for character in found):
        raise InvalidInput(f"{where}: {name} must be a text that can be read, is {_short(found)}")
    return found


def _objects(row: Row, name: str, where: str = "") -> Iterator[tuple[str, Row]]:
    """The objects of a list, each with where it stands."""
    for i, found in enumerate(_value(row, name, list, where)):
        at = f"{where} {name}[{i}]".lstrip()
        yield at, _an_object(found, at)


def _an_object(found: object, where: str) -> Row:
    """An object with names."""
    if not isinstance(found, dict):
        raise InvalidInput(f"{where} must be an object, is {_short(found)}")
    return found


def _value(row: Row, name: str, kind: type[T], where: str = "") -> T:
    """A value of a type that must be there."""
    found = row.get(name)
    if not isinstance(found, kind):
        at = f"{where}: " if where else ""
        raise InvalidInput(f"{at}{name} must be {_CALLED[kind]}, {_as_found(row, name)}")
    return found


def _as_found(row: Row, name: str) -> str:
    """Description of a wrong value, for messages."""
    return f"is {_short(row[name])}" if name in row else "is missing"


def _short(found: object) -> str:
    """A value, cut where it is long."""
    return reprlib.repr(found)
