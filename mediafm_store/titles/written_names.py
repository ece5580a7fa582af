"""Names as people write them: their normalised form, their parts, and how errors show them."""

from collections.abc import Sequence

from mediafm_store.sources.ids import caseless

_LONGEST = 150
"""Characters of a name that an error repeats."""
_MOST_DIGITS = 9


def key(name: str) -> str:
    """Normalised form of a name: two names that people read as one have one key.

    Example:
        >>> key("  Tears of  STEEL ")
        'tears of steel'
    """
    return " ".join(caseless(name).split())


def parse_shot(name: str) -> tuple[str, int | None]:
    """Title and number of a name such as sintel/42; the number is None if there is none."""
    title, _, number = name.rpartition("/")
    digits = number.strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS):
        return title, None
    return title, int(digits)


def parse_segment(name: str) -> tuple[str, str, str]:
    """Title, start and end of a name TITLE@START-END; the end is empty in other names."""
    title, _, times = name.rpartition("@")
    start, _, end = times.partition("-")
    return title, start.strip(), end.strip()


def shortened(name: str) -> str:
    """A name as an error repeats it."""
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}..."


def did_you_mean(near: Sequence[str]) -> str:
    """Similar names as a question; empty if there are none."""
    if not near:
        return ""
    return f"did you mean {' or '.join(filter(None, [', '.join(near[:-1]), near[-1]]))}?"
