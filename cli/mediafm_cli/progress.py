"""Progress: bars on a terminal, a line now and then where stderr is a file or a pipe."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mediafm_cli.lines import FilmLines, Lines
from mediafm_cli.stderr import logs_json

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from mediafm_store.ingestion.ingest import IngestResult
    from mediafm_store.ingestion.worker import IngestProgress as FilmProgress

_Update = Callable[..., None]
"""Called with what is going on, how much is done, how much there is, and perhaps a detail."""
_REFRESH_S = 0.1


@contextmanager
def progress_bar(unit: str) -> Iterator[_Update]:
    """A bar with rate and time left; `unit` follows the rate, as ` steps/s`."""
    if not _draws_bars():
        yield Lines(unit).update
        return
    with _bars() as bar:
        task = bar.add_task("", total=None, rate="")
        current = ""

        def update(description: str, done: float, total: float, detail: str = "") -> None:
            nonlocal current
            if description != current:
                bar.reset(task, description=description, total=total or None, rate="")
                current = description
            speed = bar.tasks[0].speed
            rate = f"{speed:,.{0 if speed > 10 else 1}f}{unit}" if speed and unit else ""
            bar.update(task, completed=done, rate=f"{rate} {detail}")

        yield update


class _FilmBars:
    """A bar for each film that is being ingested, and one for all of them."""

    def __init__(self, bar: "Progress", films: int) -> None:
        self._bar = bar
        self._all = bar.add_task("all titles", total=films, rate="") if films > 1 else None
        self._tasks: dict[Path, TaskID] = {}
        self._began: dict[Path, float] = {}
        self._shown: dict[Path, float] = {}

    def update(self, film: "FilmProgress") -> None:
        """Show how far a film is; called for every frame, so most calls do nothing."""
        now = time.monotonic()
        if film.media not in self._tasks:
            self._began[film.media] = now
            self._tasks[film.media] = self._bar.add_task(film.media.name, total=None, rate="")
        elif now - self._shown[film.media] < _REFRESH_S:
            return
        self._shown[film.media] = now
        took = now - self._began[film.media]
        rate = f"{film.frames / took:,.0f} frames/s" if took else ""
        self._bar.update(
            self._tasks[film.media],
            completed=film.done_s,
            total=max(film.total_s, film.done_s) or None,
            rate=rate,
        )

    def finish(self, result: "IngestResult") -> None:
        """Take the bar of a film away."""
        if result.media in self._tasks:
            self._bar.remove_task(self._tasks.pop(result.media))
        if self._all is not None:
            self._bar.advance(self._all)


@contextmanager
def film_bars(films: int) -> Iterator[_FilmBars | FilmLines]:
    """Bars with frames a second and the time left."""
    if not _draws_bars():
        yield FilmLines(films)
        return
    with _bars() as bar:
        yield _FilmBars(bar, films)


def _draws_bars() -> bool:
    """True if a person looks on."""
    return sys.stderr.isatty() and not logs_json()


def _bars() -> "Progress":
    """Bars that vanish when they are done."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)
