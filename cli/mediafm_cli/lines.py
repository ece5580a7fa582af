"""Progress as lines of a log, where stderr is no terminal."""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from mediafm_cli.stderr import tell

if TYPE_CHECKING:
    from mediafm_store.ingestion.ingest import IngestResult
    from mediafm_store.ingestion.worker import IngestProgress as FilmProgress

_LEAST_S, _MOST_S = 30.0, 600.0
"""Seconds between two lines."""
_LEAST_SHARE = 0.1
"""Of the work, between two lines that are less than `_MOST_S` apart."""
_Clock = Callable[[], float]


class Lines:
    """At most a line every half minute and every tenth of the work; one in ten minutes."""

    def __init__(self, unit: str, clock: _Clock = time.monotonic) -> None:
        self._unit, self._clock, self._lock = unit, clock, Lock()
        self._what = ""
        self._began = self._told = clock()
        self._first = self._share = 0.0

    def update(self, what: str, done: float, total: float, detail: str = "") -> None:
        """Say how far `what` is, if a line is due."""
        with self._lock:
            now = self._clock()
            if what != self._what:
                self._what, self._began, self._first, self._share = what, now, done, -1.0
            share = done / total if total else 0.0
            waited = now - self._told
            further = not total or share - self._share >= _LEAST_SHARE
            if waited < _LEAST_S or not (further or waited >= _MOST_S):
                return
            self._told, self._share = now, share
            took = now - self._began
            self._tell(done, total, (done - self._first) / took if took else 0.0, detail)

    def _tell(self, done: float, total: float, per_s: float, detail: str) -> None:
        left_s = (total - done) / per_s if per_s and total else None
        of = f" of {total:,.0f} ({done / total:.0%})" if total else ""
        parts = [f"{self._what}: {done:,.0f}{of}"]
        if self._unit and per_s:
            parts.append(f"{per_s:,.{0 if per_s > 10 else 2}f}{self._unit}")
        if left_s is not None:
            parts.append(f"about {_clock_of(left_s)} left")
        tell(
            "progress",
            ", ".join(filter(None, [*parts, detail])),
            what=self._what,
            done=done,
            total=total or None,
            per_s=per_s,
            left_s=left_s,
        )


class FilmLines:
    """The same of the films of an ingest, with the rate at which frames are decoded."""

    def __init__(self, films: int, clock: _Clock = time.monotonic) -> None:
        self._films, self._clock = films, clock
        self._lines = Lines("", clock)
        self._began = clock()
        self._under_way: dict[Path, FilmProgress] = {}
        self._finished = self._frames = 0

    def update(self, film: "FilmProgress") -> None:
        """Take how far a film is; called for every frame."""
        self._under_way[film.media] = film
        shares = [f.done_s / f.total_s for f in [*self._under_way.values()] if f.total_s]
        frames = self._frames + sum(f.frames for f in [*self._under_way.values()])
        took = self._clock() - self._began
        rate = f"{frames / took:,.0f} frames/s" if took else ""
        self._lines.update(
            "titles", self._finished + sum(shares), self._films, f"{rate}, at {film.media.name}"
        )

    def finish(self, result: "IngestResult") -> None:
        """Count a film that is done."""
        self._under_way.pop(result.media, None)
        self._finished += 1
        self._frames += result.frames


def _clock_of(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
