"""Read subtitles (pysubs2) and give each shot its words."""

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pysubs2
from charset_normalizer import from_bytes

from mediafm_store.errors import BadSubtitles
from mediafm_store.media.decode import Warn, log_warning
from mediafm_store.records import Cue, Span

SUFFIXES = (".srt", ".vtt", ".ass", ".ssa")
ENCODINGS = (
    *("utf_16", "cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256"),
    *("cp1257", "cp874", "cp932", "euc_jp", "gb18030", "big5", "cp949"),
)
"""What subtitles that are not UTF-8 are written in; the likelier comes first where a text gives
no reason to prefer one (short texts in western Europe look alike in several)."""
TAGS = re.compile(r"<[^>]*>")
SOUNDS = re.compile(r"\[[^\]]*\]|[\u2669-\u266c]")  # brackets, and notes around songs
CAPITALS = re.compile(r"\([^()a-z]*[A-Z][^()a-z]*\)")
ASIDE = re.compile(r"\W*\(.*\)\W*")
SPEAKER = re.compile(r"^\W*[A-Z]{2}[A-Z0-9 .'#&-]*:(?=\s|$)")
REPEAT_S, LEAST_SHARED_S = 0.1, 1 / 3


def read_cues(path: Path, warn: Warn = log_warning) -> list[Cue]:
    """What is said, in play order; raise BadSubtitles if nothing in the file can be read."""
    text = read_text(path, warn)
    try:
        events = pysubs2.SSAFile.from_string(text, format_=path.suffix.lstrip(".").lower())
    except Exception as error:  # its parsers let through whatever a damaged line makes them raise
        raise BadSubtitles(f"{path} cannot be read as subtitles: {one_line(error)}") from error
    if not events and text.strip().removeprefix("WEBVTT").strip():
        raise BadSubtitles(
            f"{path} holds no subtitle that can be read; check that it is {path.suffix} text"
        )
    unread = text.count("-->") - len(events)
    if unread > 0:
        warn(f"{path.name}: {unread} of {len(events) + unread} subtitles cannot be read")
    return in_order(
        Cue(max(0, e.start) / 1000, e.end / 1000, spoken(html.unescape(e.plaintext)))
        for e in events
        if not e.is_comment and not e.is_drawing
    )


def in_order(cues: Iterable[Cue]) -> list[Cue]:
    """Cues that last and say something, in play order; a repeated one goes on.

    Captions that scroll, and those that are timed to single words, say one thing several times.
    """
    kept: list[Cue] = []
    spoken_ones = (c for c in cues if c.text and c.end_s > c.start_s)
    for cue in sorted(spoken_ones, key=lambda c: (c.start_s, c.end_s)):
        if kept and cue.text == kept[-1].text and cue.start_s - kept[-1].end_s < REPEAT_S:
            end_s = max(kept[-1].end_s, cue.end_s)
            kept[-1] = replace(kept[-1], end_s=end_s)
        else:
            kept.append(cue)
    return kept


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


def spoken(text: str) -> str:
    """The words of a cue in one line, without markup and without what is not said.

    What is not said: sounds and speakers, as subtitles for the deaf name them. Square brackets
    always hold such; round ones where they fill a line or hold capitals only, for elsewhere they
    may be speech. A speaker is in capitals before a colon. Songs keep their words.
    """
    bare = SOUNDS.sub(" ", TAGS.sub(" ", text))
    lines = (SPEAKER.sub("", CAPITALS.sub(" ", line)).strip() for line in bare.splitlines())
    said = (line.strip(" -\N{EN DASH}") for line in lines if not ASIDE.fullmatch(line))
    return " ".join(" ".join(line for line in said if line).split())


def one_line(error: Exception) -> str:
    """An error's first line, or its kind where it says nothing."""
    return str(error).partition("\n")[0] or type(error).__name__


def words_of_shots(cues: Sequence[Cue], spans: Iterable[Span]) -> list[str]:
    """What is said in each shot: the text of the cues that belong to it, in order."""
    return [" ".join(c.text for c in cues if belongs(c, span)) for span in spans]


def belongs(cue: Cue, span: Span) -> bool:
    """Whether a cue and a shot share a third of a second, or half of one of them.

    Cues often stay for a few frames after a cut, and are not about what comes then.
    """
    shared = min(cue.end_s, span.end_s) - max(cue.start_s, span.start_s)
    shorter = min(cue.end_s - cue.start_s, span.end_s - span.start_s)
    return shared > 0 and shared >= min(LEAST_SHARED_S, shorter / 2)
