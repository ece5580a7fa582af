"""A search as an address says it."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, get_args
from urllib.parse import urlencode

from mediafm_store.errors import InvalidInput
from mediafm_store.examples.clip_locator import ClipMatch
from mediafm_store.examples.resolver import parse_clock
from mediafm_store.likeness.scale import Part
from mediafm_store.report.form import COUNTS, MOST_COUNT, MOST_HITS, USUAL
from mediafm_store.report.timecode import timecode, timespan
from mediafm_store.retrieval.query import Unit

_UNITS: tuple[Unit, ...] = get_args(Unit)
_YES, _NO = ("1", "on", "true"), ("", "0", "off", "false")


class PageQuery(NamedTuple):
    """Query of a page: one example or several, words, and options."""

    text: str | None = None
    said: str | None = None
    shot: str | None = None
    title: str | None = None
    start: str | None = None
    end: str | None = None
    """Times of a segment of the title, as they were written."""
    file: Path | None = None
    called: str = ""
    """Original name of an uploaded file; the name of its copy here says nothing."""
    unit: Unit = "shot"
    where: str | None = None
    exclude_same_title: bool = False
    same_scene: bool = False
    counts: tuple[tuple[str, float], ...] = ()
    """Weights of the parts of a shot, by their names in `COUNTS`; defaults are not
    there."""
    k: int = int(USUAL["k"])

    @property
    def start_s(self) -> float | None:
        """In seconds."""
        return None if self.start is None else parse_clock(self.start)

    @property
    def end_s(self) -> float | None:
        """In seconds."""
        return None if self.end is None else parse_clock(self.end)

    @property
    def weights(self) -> dict[Part, float]:
        """Weights in the form that `search` takes."""
        return {COUNTS[name]: count for name, count in self.counts}

    @property
    def by_example(self) -> bool:
        """True if the query has an example."""
        return bool(self.shot or self.title or self.called)

    def shown(self, names: Mapping[str, str]) -> str:
        """Description of the query on a page; `names` are those of titles."""
        title = self.title and self._segment(names.get(self.title, self.title))
        words = [f"“{words}”" for words in (self.text, self.said) if words]
        return " + ".join(filter(None, [self.shot, title, self.called, *words]))

    def _segment(self, name: str) -> str:
        start_s, end_s = self.start_s, self.end_s
        if start_s is not None and end_s is not None:
            return f"{name}, {timespan(start_s, end_s)}"
        if start_s is not None:
            return f"{name} from {timecode(start_s)} on"
        return name if end_s is None else f"{name} up to {timecode(end_s)}"

    @property
    def fields(self) -> dict[str, str]:
        """Fields of the address, without defaults and without a file."""
        values = {
            "text": self.text,
            "said": self.said,
            "shot": self.shot,
            "title": self.title,
            "from": self.start,
            "to": self.end,
        }
        return {name: value for name, value in values.items() if value is not None} | self.options

    @property
    def options(self) -> dict[str, str]:
        """Search options, which a search from one of the answers keeps, except the own scene."""
        values = {
            "unit": self.unit,
            "where": self.where or "",
            "exclude_same_title": "1" if self.exclude_same_title else "",
            "same_scene": "1" if self.same_scene else "",
            **{name: f"{count:g}" for name, count in self.counts},
            "k": str(self.k),
        }
        return {n: v for n, v in values.items() if v not in ("", USUAL.get(n))}

    @property
    def form(self) -> dict[str, str]:
        """Values of the search form."""
        return form_of(self.fields)

    @property
    def address(self) -> str:
        """Address of the search; a file is not part of it."""
        return f"/search?{urlencode(self.fields)}"

    def from_place(self, origin: ClipMatch) -> "PageQuery":
        """Query with the segment that a clip was cut from in place of the file."""
        start, end = (f"{s:.2f}".rstrip("0").rstrip(".") for s in (origin.start_s, origin.end_s))
        return self._replace(title=origin.title, start=start, end=end, file=None, called="")


def form_of(values: Mapping[str, str]) -> dict[str, str]:
    """The fields of the search form, by what an address says."""
    q = values.get("q") or values.get("shot") or values.get("text") or ""
    return {**values, "q": q}


def query_of_address(values: Mapping[str, str]) -> PageQuery:
    """The search that the fields of an address ask for. Raises InvalidInput for what cannot be."""
    values = {name: value.strip() for name, value in values.items()}
    unit = values.get("unit") or "shot"
    if unit not in _UNITS:
        raise InvalidInput(f"the unit must be one of {', '.join(_UNITS)}, is {unit!r}")
    k = values.get("k") or USUAL["k"]
    if not k.isascii() or not k.isdecimal() or len(k) > 9 or not 0 < int(k) <= MOST_HITS:
        raise InvalidInput(f"the number of answers (k) must be from 1 to {MOST_HITS}, is {k!r}")
    query = PageQuery(
        text=values.get("text"),
        said=values.get("said") or None,
        shot=values.get("shot") or None,
        title=values.get("title") or None,
        start=values.get("from") or None,
        end=values.get("to") or None,
        unit=unit,
        where=values.get("where") or None,
        exclude_same_title=_flag(values, "exclude_same_title"),
        same_scene=_flag(values, "same_scene"),
        counts=tuple((n, c) for n in COUNTS if (c := _count(values, n)) != 1),
        k=int(k),
    )
    if query.title is None and (query.start_s, query.end_s) != (None, None):
        raise InvalidInput("a start or an end is of a title: name that too")
    return query


def _flag(values: Mapping[str, str], name: str) -> bool:
    """True if a box is ticked."""
    value = values.get(name, "").lower()
    if value not in _YES + _NO:
        raise InvalidInput(f"{name} must be 1 or 0, is {value!r}")
    return value in _YES


def _count(values: Mapping[str, str], name: str) -> float:
    """Weight of a part of a shot, in the steps of the form."""
    value = values.get(name) or USUAL[name]
    try:
        found = float(value)
    except ValueError:
        found = -1.0
    if not 0 <= found <= MOST_COUNT or round(found, 1) != found:
        raise InvalidInput(f"{name} must be a number from 0 to {MOST_COUNT}, as 0.5, is {value!r}")
    return found
