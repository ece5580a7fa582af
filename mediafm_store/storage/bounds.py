"""Limits on filter conditions, which are checked before anything parses them.

An SQL parser recurses as deep as a condition is nested, and what it computes may exhaust the
memory: a row's text repeated to a million letters, for every row.
"""

import re
from collections.abc import Iterator

from mediafm_store.errors import InvalidInput

_LONGEST = 20_000
"""Letters: a thousand ids of titles."""
_DEEPEST = 20
"""Brackets in brackets."""
_MOST = 300
"""Names, operators and brackets: seventy comparisons. A list of values may be longer."""
_TOKEN = re.compile(
    r"(?P<text>'[^']*')|(?P<quoted>\"[^\"]*\")|(?P<number>[0-9][0-9.]*)"
    r"|(?P<refused>--|/\*|\|\||\w+['\"])|(?P<name>\w+)|(?P<open>[(\[])|(?P<close>[)\]])"
    r"|(?P<comma>,)|(?P<sign>[-+*/%<>=!~.:|&^@;])|(?P<other>\S)"
)
"""Comments and other ways to write a text are refused: where a text ends must be beyond doubt."""
_UNCOUNTED = {"text", "number", "comma"}
_CALLABLE = """
    abs acos array_contains array_has array_length array_lower array_max array_mean array_min
    array_sum array_upper asin atan atan2 avg bit_length cast cbrt ceil ceiling char_length
    character_length coalesce cos count date date_part datetime day degrees div ends_with exp
    extract floor greatest if ifnull ilike instr isnan least left length ln log log10 log1p log2
    lower ltrim max min mod nullif octet_length pi pos position pow power radians regexp_like right
    round rtrim sign sin sqrt starts_with strptime strpos substr substring sum tan timestamp trim
    try_cast typeof upper year
"""
"""Functions: none of them makes a text longer, or more rows of one."""
_KEYWORDS = """
    all and any between case else from in like not or then when
    char decimal float numeric varchar
"""
_BEFORE_BRACKETS = frozenset([*_CALLABLE.split(), *_KEYWORDS.split()])


def check_bounds(condition: str, columns: frozenset[str]) -> None:
    """Raise InvalidInput for a condition too long, too deep, or with calls not allowed."""
    if len(condition) > _LONGEST:
        raise InvalidInput(
            f"a condition of {len(condition):,} letters is too long; it may have {_LONGEST:,}"
        )
    depth = count = 0
    before = ""
    for kind, token in _tokens(condition):
        count += kind not in _UNCOUNTED
        depth += (kind == "open") - (kind == "close")
        if count > _MOST or depth > _DEEPEST:
            raise InvalidInput(
                f"the condition {excerpt(condition)} is too complex: it may have {_MOST} names,"
                f" operators and brackets, {_DEEPEST} brackets deep; several values can be named as"
                " title IN ('a', 'b')"
            )
        if kind in {"refused", "other"}:
            raise InvalidInput(f"a condition cannot hold {token}; texts stand as 'it''s so'")
        if kind == "open":
            _check_bracket(token, before, columns)
        before = token.lower() if kind == "name" else ""
        if kind == "quoted":
            before = token[1:-1]


def _check_bracket(bracket: str, before: str, columns: frozenset[str]) -> None:
    """Raise InvalidInput if no bracket may follow that name: [ for columns, ( for functions."""
    if bracket == "[":
        if before not in columns:
            raise InvalidInput("a condition cannot hold a list in [ ]; write title IN ('a', 'b')")
    elif before and before not in _BEFORE_BRACKETS:
        raise InvalidInput(
            f"a condition cannot call {excerpt(before)}; it may call what makes no text longer,"
            " such as lower, length, starts_with, array_contains, round"
        )


def excerpt(condition: str) -> str:
    """A condition in an error: its beginning."""
    return repr(condition if len(condition) <= 80 else f"{condition[:80]}...")


def _tokens(condition: str) -> Iterator[tuple[str, str]]:
    """Its parts, each with its kind. A quote that is not closed is an `other`."""
    for found in _TOKEN.finditer(condition):
        yield str(found.lastgroup), found[0]
