"""Progress bars on a terminal; nothing where stderr is a file or a pipe."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Update = Callable[..., None]
"""Called with what is going on, how much is done, how much there is, and perhaps a detail."""


@contextmanager
def progress_bar(unit: str) -> Iterator[Update]:
    """A bar with rate and time left; `unit` follows the rate, as ` steps/s`."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
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
