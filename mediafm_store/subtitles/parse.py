"""Read subtitles (pysubs2) and give each shot its words."""

import html
import re
import unicodedata
from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pysubs2
from pysubs2.exceptions import FormatAutodetectionError
from pysubs2.formats import autodetect_format
from pysubs2.formats.substation import parse_tags

from mediafm_store.errors import InvalidInput, InvalidSubtitles, first_line
from mediafm_store.media.decode import Warn, log_warning
from mediafm_store.records import Cue, Span
from mediafm_store.text_files.plain_text import read_text

SUFFIXES = (".srt", ".vtt", ".ass", ".ssa")
_EMPTY = {"vtt": "WEBVTT", "ass": "[Script Info]", "ssa": "[Script Info]"}
"""First text of files that are complete and have no words."""
_NEVER_TIMES = "00:00:00.000 --> 00:00:00.000"
_NEVER_EVENT = "Dialogue: 0,0:00:00.00,0:00:00.00,,,0,0,0,,"
_STAMP = r"-?(?:\d{1,2}:\d{1,2}:\d{1,2}(?:[.,]\d{1,3})?|\d{1,2}:\d{1,2}[.,]\d{1,3})"
_TIMES = re.compile(rf"\s*({_STAMP})\s*-->\s*({_STAMP})(?![\d:.,])")
_CLOCK = re.compile(r"\s*-?\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d{1,3})?\s*")
_EVENT_FIELDS = "Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"
EFFECT, _SUNG = "fx", "karaoke"
"""Marks in ASS of syllables that are drawn one by one, and of the line they were made from."""
_PREVIEW = re.compile(r"\S+(?:\.(?:jpe?g|png|webp|gif|avif)|#xywh=\S+)", re.IGNORECASE)
"""A picture for the mouse at a player's bar, and the part of it that is meant."""
_DRAWS = re.compile(r"\\p[1-9]")
_WORD_TIMES = re.compile(r"<[\d:.]+>")
_TAGS = re.compile(r"</?[a-zA-Z][^<>]*>")
_WIDE = str.maketrans("（）［］", "()[]")  # noqa: RUF001 (brackets of Chinese and Japanese)
_SOUNDS = re.compile(r"\[[^\[\]]*\]:?|[\u2669-\u266c]")  # brackets, and notes around songs
_ASIDES = re.compile(r"^[^\w()\n]*(?:\([^()]*\)[^\w()\n]*)+$", re.MULTILINE)
_ROUND = re.compile(r"\(([^()]*)\)")
_SPEAKER = re.compile(r"^\W*([^\W\d_][\w .'#&-]+?)\s*(?:\([^()]*\)\s*)?:(?=\s|$)")
_REPEAT_S, _LEAST_SHARED_S = 0.1, 1 / 3
_MOST_ROLLED = 4
"""Lines that scrolling captions show at most (CEA-608)."""


def read_cues(path: Path, warn: Warn = log_warning, *, language: str | None = None) -> list[Cue]:
    """Read the cues of a subtitle file, in play order.

    Args:
        path: SubRip, WebVTT, ASS or another text format; the content decides, not the suffix.
        language: Helps to guess the encoding of a file that is not UTF-8.
        warn: Called with a message for every part that cannot be read.

    Raises:
        InvalidSubtitles: If nothing in the file can be read.
    """
    try:
        text = re.sub(r"\r*\n|\r", "\n", read_text(path, warn, language))
    except InvalidInput as error:
        raise InvalidSubtitles(str(error)) from error
    kind = _kind_of(text)
    form = kind if f".{kind}" in SUFFIXES else path.suffix.lstrip(".").lower()
    lines, damaged = _mended(text.split("\n"), form)
    try:
        events = pysubs2.SSAFile.from_string("\n".join(lines), format_=form).events
    except Exception as error:  # its parsers let through whatever a damaged line makes them raise
        raise InvalidSubtitles(
            f"{path} cannot be read as subtitles: {first_line(error)}"
        ) from error
    if len(events) == len(damaged) and not _is_empty(text, form, damaged):
        other = kind and kind != form
        cure = f"convert it from {kind}" if other else f"check that it is {path.suffix} text"
        raise InvalidSubtitles(f"{path} holds no subtitle that can be read; {cure}")
    if damaged:
        warn(
            f"{path.name}: {len(damaged)} of {len(events)} subtitles cannot be read, the first"
            f" in line {damaged[0]}"
        )
    cues = in_order(
        Cue(max(0, e.start) / 1000, e.end / 1000, said(e.text)) for e in events if not e.is_comment
    )
    if not cues and any(_PREVIEW.fullmatch(e.plaintext.strip()) for e in events):
        warn(
            f"{path.name} names pictures for a player's preview and has no subtitles; move it away"
        )
    return cues


def _is_empty(text: str, form: str, damaged: list[int]) -> bool:
    """True if a file is complete and has no words."""
    start = _EMPTY.get(form)
    return not damaged and (not text.strip() or (start is not None and text.startswith(start)))


def _kind_of(text: str) -> str:
    """Format of a text by its content: many an `.srt` holds WebVTT."""
    if "[Events]" in text:  # pysubs2 wants the styles, too, which may be missing
        return "ass"
    try:
        return autodetect_format(text)
    except FormatAutodetectionError:
        return ""


def _mended(source: list[str], form: str) -> tuple[list[str], list[int]]:
    """The lines that pysubs2 is to read, and the numbers of those with damaged times.

    It would give up, or take what belongs to a damaged subtitle for words of the one before it.
    In place of such a line stands one that is never on screen.
    """
    if form in {"ass", "ssa"}:
        lines, never = list(_mend_events(source)), _NEVER_EVENT
    else:
        shown = _in_cues(source) if form == "vtt" else source
        lines, never = [_mend_times(line) for line in shown], _NEVER_TIMES
    damaged = [number for number, line in enumerate(lines, 1) if line is None]
    return [never if line is None else line for line in lines], damaged


def _in_cues(lines: Iterable[str]) -> Iterator[str]:
    """WebVTT without what lies between its cues: names, notes, styles (W3C WebVTT, 6.1).

    A cue goes from its times to an empty line; pysubs2 would take all up to the next for words.
    """
    inside = False
    for line in lines:
        inside = "-->" in line or (inside and line != "")
        yield line if inside else ""


def _mend_times(line: str) -> str | None:
    """A line of SRT or WebVTT; None if it should hold times that can be used, and does not.

    The times of single words go: pysubs2 takes a line with two of them for the times of a cue.
    """
    if "-->" not in line:
        return _WORD_TIMES.sub("", line)
    times = _TIMES.match(line)
    return times and " --> ".join(_canonical(stamp) for stamp in times.groups())


def _canonical(stamp: str) -> str:
    """A time as both formats are read; nothing is earlier than the start of the film."""
    if stamp.startswith("-"):
        return "00:00:00.000"
    clock, _, fraction = stamp.replace(",", ".").partition(".")
    hours, minutes, seconds = [0, *map(int, clock.split(":"))][-3:]
    return f"{hours:02}:{minutes:02}:{seconds:02}.{fraction:0<3}"


def _mend_events(lines: Iterable[str]) -> Iterator[str | None]:
    """ASS or SSA with what matters of each event; None for those that cannot be read.

    pysubs2 takes the fields of all files to be the usual ones, and gives up at a damaged style.
    """
    fields = _EVENT_FIELDS.split(", ")
    spoken_as = {EFFECT: "Comment", _SUNG: "Dialogue"}
    for line in lines:
        kind, _, rest = line.partition(":")
        if kind == "Format":
            fields = [name.strip() for name in rest.split(",")]
        if kind in {"Dialogue", "Comment"}:
            cells = dict(zip(fields, rest.split(",", len(fields) - 1), strict=False))
            start, end, text = (cells.get(name, "") for name in ("Start", "End", "Text"))
            timed = _CLOCK.fullmatch(start) and _CLOCK.fullmatch(end) and "Text" in cells
            kind = spoken_as.get(cells.get("Effect", "").strip().lower(), kind)
            yield f"{kind}: 0,{start},{end},,,0,0,0,,{text}" if timed else None
        else:
            yield "" if kind == "Style" else line


def in_order(cues: Iterable[Cue]) -> list[Cue]:
    """Cues that last and say something, in play order, each in one line; a repeated one goes on.

    Captions that scroll, and those that are timed to single words, say one thing several times:
    what a cue shows of the one just before it is left out. In ASS several layers may say the same.
    """
    kept: list[Cue] = []
    shown: list[str] = []
    spoken_ones = dict.fromkeys(c for c in cues if c.text and c.end_s > c.start_s)
    for cue in sorted(spoken_ones, key=lambda c: (c.start_s, c.end_s)):
        lines = cue.text.split("\n")
        follows = bool(kept) and cue.start_s - kept[-1].end_s < _REPEAT_S
        new = " ".join(lines[_repeated(shown, lines) if follows else 0 :])
        shown = lines
        if new:
            kept.append(replace(cue, text=new))
        else:
            kept[-1] = replace(kept[-1], end_s=max(kept[-1].end_s, cue.end_s))
    return kept


def _repeated(before: list[str], lines: list[str]) -> int:
    """Number of lines at the start of a cue that repeat the end of the cue before."""
    if " ".join(before) == " ".join(lines):
        return len(lines)
    most = min(len(before), len(lines), _MOST_ROLLED)
    return max(n for n in range(most + 1) if before[len(before) - n :] == lines[:n])


def said(text: str) -> str:
    """The words of a subtitle as pysubs2 and FFmpeg give it, in ASS, without its drawings.

    Letters and their marks are one character, as people type them.
    """
    if _DRAWS.search(text):
        text = "".join(part for part, style in parse_tags(text) if not style.drawing)
    return unicodedata.normalize("NFC", _spoken(pysubs2.SSAEvent(text=text).plaintext))


def _spoken(text: str) -> str:
    """The words of a cue, line by line, without markup and without what is not said.

    What is not said: sounds and speakers, as subtitles for the deaf name them. Square brackets
    always hold such; round ones where they fill lines or hold capitals only, for elsewhere they
    may be speech. A speaker is in capitals before a colon. Songs keep their words.
    """
    bare = _SOUNDS.sub(" ", html.unescape(_TAGS.sub(" ", text)).translate(_WIDE))
    bare = _ROUND.sub(lambda found: " " if found[1].isupper() else found[0], _ASIDES.sub("", bare))
    lines = (" ".join(_without_speaker(line).split()) for line in bare.splitlines())
    lines = (line.lstrip(" ->\N{EN DASH}").rstrip(" -\N{EN DASH}") for line in lines)
    return "\n".join(line for line in lines if line and not _PREVIEW.fullmatch(line))


def _without_speaker(line: str) -> str:
    """A line without the name of who says it: capitals of any alphabet, at least two letters."""
    found = _SPEAKER.match(line)
    named = found is not None and found[1].isupper() and found[1][:2].isalpha()
    return line[found.end() :] if found and named else line


def words_of_shots(cues: Sequence[Cue], spans: Iterable[Span]) -> Iterator[str]:
    """Text spoken in each shot: the joined cues that belong to it.

    Shots come in play order. Cues that have ended before a shot are skipped.
    """
    waiting = sorted(range(len(cues)), key=lambda number: cues[number].start_s, reverse=True)
    current: list[int] = []
    for span in spans:
        start_s, end_s = span.start_s, span.end_s
        while waiting and cues[waiting[-1]].start_s < end_s:
            insort(current, waiting.pop())
        current = [number for number in current if cues[number].end_s > start_s]
        said = (cues[number] for number in current)
        yield " ".join(cue.text for cue in said if _belongs(cue, start_s, end_s))


def _belongs(cue: Cue, start_s: float, end_s: float) -> bool:
    """True if a cue and a shot share a third of a second, or half of one of them.

    Cues often stay for a few frames after a cut, and are not about what comes then.
    """
    if cue.start_s >= end_s or cue.end_s <= start_s:
        return False
    shared = min(cue.end_s, end_s) - max(cue.start_s, start_s)
    shorter = min(cue.end_s - cue.start_s, end_s - start_s)
    # Of a cue with one half in each of two shots, rounding must not leave both without words.
    return shared >= min(_LEAST_SHARED_S, shorter / 2) - 1e-6
