"""Text that other programs wrote, in whatever encoding, with whatever apostrophes."""

import logging
import re
from collections.abc import Callable
from pathlib import Path

from charset_normalizer import CharsetMatch, from_bytes

from mediafm_store.errors import InvalidInput

_LARGEST = 128 << 20
"""Bytes of a file."""
_ENCODINGS = (
    *("cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256"),
    *("cp1257", "cp874", "cp932", "euc_jp", "gb18030", "big5", "cp949"),
)
"""Encodings of texts that are not UTF-8; the more common comes first if a text gives no reason to
prefer one (short texts in western Europe look alike in several)."""
_USUAL = {
    **dict.fromkeys(("bs", "cs", "hr", "hu", "pl", "ro", "sk", "sl", "sq"), "cp1250"),
    **dict.fromkeys(("et", "lt", "lv"), "cp1257"),
    **{"tr": "cp1254", "he": "cp1255"},
}
"""Languages whose usual encoding looks like that of others in short texts."""
_FEW = 100
"""Letters; of fewer, guesses are often wrong (`Café à Paris, Noël` is read as Lithuanian)."""
APOSTROPHE = re.compile("(?<=\\w)['\u2019\u2018\u02bc\uff07\u00b4`](?=\\w)")
_Warn = Callable[[str], None]
_log_warning: _Warn = logging.getLogger("mediafm_store").warning


def straight(text: str) -> str:
    """Text with all apostrophes within words as `'`."""
    return APOSTROPHE.sub("'", text)


def read_text(
    path: Path, warn: _Warn = _log_warning, language: str | None = None, *, few: str | None = None
) -> str:
    """Read a text file, in UTF-8 or else in the most likely encoding, with a warning.

    `language` helps to guess the encoding. If there are too few letters beyond ASCII to guess by,
    it is `few`, if that is possible.

    Raises:
        InvalidInput: If the file cannot be read, is not text or has more than `_LARGEST` bytes.
    """
    raw = _read_bytes(path)
    wide = _utf_16(raw)
    if wide:
        warn(f"{path.name} is not UTF-8; read as {wide}")
        return raw.decode(wide, errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("utf-8-sig", errors="replace")
    damaged = text.count("\ufffd")
    if damaged * 10 < sum(not c.isascii() for c in text):  # other encodings are rarely UTF-8, too
        warn(f"{path.name}: {damaged} characters are damaged and were left out")
        return text.replace("\ufffd", "")
    if few and sum(byte > 127 for byte in raw) < _FEW and (short := _decoded(raw, few)):
        warn(f"{path.name} is not UTF-8; read as {few}")
        return short
    guess = _best_guess(raw, language)
    if guess is None:
        raise InvalidInput(f"{path} is not text in any known encoding; save it as UTF-8")
    warn(f"{path.name} is not UTF-8; read as {guess.encoding}")
    return str(guess)


def _read_bytes(path: Path) -> bytes:
    """All of a file, which may have no end."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror or error}") from error
    if len(raw) > _LARGEST:
        raise InvalidInput(f"{path} has more than {_LARGEST >> 20} MiB, too many for a text")
    return raw


def _decoded(raw: bytes, encoding: str) -> str | None:
    """A text in an encoding, None if it cannot be in that."""
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _utf_16(raw: bytes) -> str | None:
    """Byte order of a UTF-16 text, by its mark or by zeros in every other byte; else None."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf_16"
    even, odd = raw[::2].count(0), raw[1::2].count(0)
    if 10 * max(even, odd) < len(raw) or 10 * min(even, odd) > max(even, odd):
        return None
    return "utf_16_be" if even > odd else "utf_16_le"


def _best_guess(raw: bytes, language: str | None) -> CharsetMatch | None:
    """Most likely encoding; the language decides if charset-normalizer thinks it possible."""
    usual = _USUAL.get((language or "").partition("-")[0])

    def rank(guess: CharsetMatch) -> tuple[float, ...]:
        order = _ENCODINGS.index(guess.encoding)
        is_other = guess.encoding != usual
        return (is_other, round(guess.chaos, 2), -round(guess.coherence, 1), order)

    return min(from_bytes(raw, cp_isolation=list(_ENCODINGS)), key=rank, default=None)
