"""Limits on the size a file may declare: a few megabytes of zeros unpack to many gigabytes."""

_MOST_SHOTS, _MOST_WIDTH, MOST_NUMBERS = 200_000, 16_384, 50_000_000
"""Of a title: a day with a cut every half a second; numbers a vector, many times what models make;
and both together, 400 MB."""


def too_many(shots: int, width: int = 1) -> str | None:
    """Why vectors of a title would not fit into memory, and the cure; None if they do."""
    if shots > _MOST_SHOTS:
        return f"{shots:,} shots, a title has {_MOST_SHOTS:,} at most; make several titles of it"
    if width > _MOST_WIDTH:
        return f"{width:,} numbers a shot, {_MOST_WIDTH:,} at most are taken; reduce them"
    if shots * width > MOST_NUMBERS:
        return (
            f"{shots:,} shots of {width:,} numbers, {MOST_NUMBERS:,} numbers at most make a title;"
            " make several of it"
        )
    return None
