"""Read subtitles (pysubs2) and give each shot its words."""

import re
from collections.abc import Sequence
from pathlib import Path

import pysubs2
from charset_normalizer import from_bytes

from mediafm_store.errors import BadSubtitles
from mediafm_store.media.decode import Warn, log_warning
from mediafm_store.records import Cue, Span

SUFFIXES = (".srt", ".vtt")
ENCODINGS = (
    *("utf_16", "cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256"),
    *("cp1257", "cp874", "cp932", "euc_jp", "gb18030", "big5", "cp949"),
)
"""What subtitles that are not UTF-8 are written in; the likelier comes first where a text gives
no reason to prefer one (short texts in western Europe look alike in several)."""


def read_cues(path: Path, warn: Warn = log_warning) -> list[Cue]:
    """All cues of a file in play order, without styling; raise BadSubtitles if it has none."""
    text = read_text(path, warn)
    try:
        events = pysubs2.SSAFile.from_string(text, format_=path.suffix.lstrip(".").lower())
    except (pysubs2.exceptions.Pysubs2Error, ValueError) as error:
        raise BadSubtitles(f"{path} cannot be read as subtitles: {error}") from error
    cues = [
        Cue(e.start / 1000, e.end / 1000, plain(e.plaintext))
        for e in events
        if not e.is_comment and e.end > e.start
    ]
    cues = sorted((c for c in cues if c.text), key=lambda c: (c.start_s, c.end_s))
    if not cues and text.strip().removeprefix("WEBVTT").strip():
        raise BadSubtitles(
            f"{path} holds no subtitle that can be read; check that it is {path.suffix} text"
        )
    return cues


def read_text(path: Path, warn: Warn = log_warning) -> str:
    """Decode a text file as UTF-8, else as what its bytes look most like, with a warning."""
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        matches = from_bytes(raw, cp_isolation=list(ENCODINGS))
    guess = min(
        matches, key=lambda m: (round(m.chaos, 2), ENCODINGS.index(m.encoding)), default=None
    )
    if guess is None:
        raise BadSubtitles(f"{path} is not text in any known encoding; save it as UTF-8")
    warn(f"{path.name} is not UTF-8; read as {guess.encoding}")
    return str(guess)


def plain(text: str) -> str:
    """One line without markup: tags such as <i>, and WebVTT voices and times."""
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


def words_of_shots(cues: Sequence[Cue], spans: Sequence[Span]) -> list[str]:
    """What is said in each shot: the text of the cues that overlap it, in order."""
    return [
        " ".join(c.text for c in cues if c.start_s < span.end_s and c.end_s > span.start_s)
        for span in spans
    ]
