"""Names and notes, which come from files, as one line that no format can mistake."""

import re
import unicodedata


def one_line(text: str) -> str:
    r"""Text without line breaks and control characters; runs of spaces become one.

    Example:
        >>> one_line("a\n  b")
        'a b'
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def reel_names(wanted: dict[str, str]) -> dict[str, str]:
    """Names of reels as CMX 3600 takes them: up to 8 capitals and digits, each once.

    Of `wanted` names by key; where two become the same, the later one ends in a number.
    """
    given: dict[str, str] = {}
    for key, name in wanted.items():
        plain = unicodedata.normalize("NFKD", name).upper()
        base = re.sub(r"[^A-Z0-9]", "", plain)[:8] or "REEL"
        # AX and BL mean "any source" and "black".
        taken = {*given.values(), "AX", "BL", "BLACK", "BARS", "REEL"}
        number, reel = 1, base
        while reel in taken:
            number += 1
            reel = f"{base[: 8 - len(str(number))]}{number}"
        given[key] = reel
    return given
