"""Values by name on the command line, such as `audio=0.5,text=0`: one grammar for all options."""

from collections.abc import Collection, Sequence

import typer


def parse_pairs(
    given: Sequence[str], names: Collection[str], *, option: str, example: str
) -> dict[str, str]:
    """NAME=VALUE as a mapping; pairs have commas between them, or each its own option.

    Raises BadParameter for a name that is not one of `names`, or is given twice.
    """
    pairs: dict[str, str] = {}
    for pair in (part.strip() for text in given for part in text.split(",")):
        name, _, value = pair.partition("=")
        if not pair:
            continue
        if name not in names or name in pairs or not value:
            raise wrong_pair(pair, names, option=option, example=example)
        pairs[name] = value
    return pairs


def wrong_pair(
    pair: str, names: Collection[str], *, option: str, example: str
) -> typer.BadParameter:
    """The error that a pair deserves."""
    return typer.BadParameter(
        f"{pair!r}: give each of {', '.join(names)} once at most, as {example}", param_hint=option
    )
