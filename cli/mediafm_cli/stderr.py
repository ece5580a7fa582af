"""What is told beside the data: text for people or, if asked for, a JSON object a line."""

import json
import sys
from datetime import UTC, datetime
from typing import Literal

_Level = Literal["info", "progress", "warning", "error"]
_PREFIXES: dict[_Level, str] = {"warning": "Warning: ", "error": "Error: "}


class _Form:
    """How it is told; one command sets it for all of its process."""

    in_json: frozenset[_Level] = frozenset()


def tell_as(*, log_json: bool, data_json: bool) -> None:
    """Everything as JSON, or errors alone where only the data are."""
    levels: tuple[_Level, ...] = ("info", "progress", "warning", "error") if log_json else ()
    _Form.in_json = frozenset(levels or (("error",) if data_json else ()))


def logs_json() -> bool:
    """True if a program reads the log."""
    return "info" in _Form.in_json


def errors_in_json() -> bool:
    """True if a program reads the errors."""
    return "error" in _Form.in_json


def tell(level: _Level, message: str, *, prefix: bool = True, **facts: object) -> None:
    """Tell a line, with the level before it for people; `facts` go beside it for programs."""
    if level in _Form.in_json:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        row = {"at": at, "level": level, "message": message.strip(), **facts}
        # Half characters, as names that are not UTF-8 have, cannot be printed otherwise.
        sys.stderr.write(json.dumps(row, default=str, ensure_ascii=not _is_text(message)) + "\n")
    else:
        told = _PREFIXES.get(level, "") + message if prefix else message
        if level in _PREFIXES:
            lines = [_one_line(told)]
        else:
            lines = [printable(line) for line in told.split("\n")]
        sys.stderr.write("\n".join(lines) + "\n")
    sys.stderr.flush()


def warn(text: str) -> None:
    """Say what is wrong, but does not stop the command."""
    tell("warning", text)


def _one_line(text: str) -> str:
    """A message as one line: line breaks in the name of a file are escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def printable(text: str) -> str:
    """Without control characters: what comes from files must not steer the terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def _is_text(message: str) -> bool:
    """True if a text can be written as UTF-8."""
    try:
        message.encode()
    except UnicodeEncodeError:
        return False
    return True
