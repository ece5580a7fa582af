"""Breaks as SCTE 35 messages, splice_insert and time_signal.

ANSI/SCTE 35 2023: sections 9.6 (splice_info_section), 9.7.3 (splice_insert), 9.7.4 (time_signal)
and 10.3.3 (segmentation_descriptor). Written here rather than by a library: docs/decisions/0018.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from fractions import Fraction
from zlib import crc32 as zipcrc32

from mediafm_store.break_files.break_times import BreakTime
from mediafm_store.errors import InvalidInput
from mediafm_store.media.timecode import nearest

_CLOCK, _PTS_BITS = 90_000, 33
"""Ticks a second of a presentation time stamp; it begins again after 2^33, 95,443.7 s."""
_SPLICE_INSERT, _TIME_SIGNAL = 0x05, 0x06
_PLACEMENT_START = 0x34
"""Provider Placement Opportunity Start."""
_POLYNOMIAL = 0x04C11DB7
"""Of the CRC of MPEG-2 sections."""


def scte35(moments: list[BreakTime], break_s: float | None) -> str:
    """SCTE 35 messages as JSON lines: the time and both messages of a break, base 64 and hex.

    `pts` counts from the first picture of the title, as if that had the time stamp 0. For streams
    that start elsewhere, set `pts_adjustment` of the messages.
    """
    ticks = None if break_s is None else nearest(Fraction(break_s) * _CLOCK)
    if ticks is not None and not 0 < ticks < 1 << _PTS_BITS:
        raise InvalidInput(f"a break of {break_s:g} s cannot be told; its length is up to 95443 s")
    lines = []
    for moment in moments:
        at = nearest(moment.at * _CLOCK)
        row = {
            "title": moment.title,
            "break": moment.number,
            "of": moment.of,
            "seconds": round(float(moment.at), 6),
            "pts": at % (1 << _PTS_BITS),
            "wraps": at >> _PTS_BITS,
            "break_s": break_s,
            "splice_insert": _message_forms(_splice_insert(moment, at, ticks)),
            "time_signal": _message_forms(_time_signal(moment, at, ticks)),
        }
        lines.append(json.dumps(row, ensure_ascii=False))
    return "".join(f"{line}\n" for line in lines)


def _message_forms(message: bytes) -> dict[str, str]:
    """A message in both forms that programs take."""
    return {"base64": b64encode(message).decode(), "hex": f"0x{message.hex()}"}


def _splice_insert(moment: BreakTime, at: int, ticks: int | None) -> bytes:
    """Leave the programme at a time stamp; return by yourself, if it is told after how long."""
    return _section(
        _SPLICE_INSERT,
        _packed(
            (_event_id(moment), 32),
            *((0, 1), (0x7F, 7)),  # not cancelled; reserved
            *((1, 1), (1, 1), (int(ticks is not None), 1), (0, 1)),  # out of network, the whole
            (0xF, 4),  # nothing is said of how ids are made; reserved
            *_splice_time(at),
            *(() if ticks is None else ((1, 1), (0x3F, 6), (ticks, _PTS_BITS))),
            *((1, 16), (_small(moment.number), 8), (_small(moment.of), 8)),
        ),
        b"",
    )


def _time_signal(moment: BreakTime, at: int, ticks: int | None) -> bytes:
    """At a time stamp the provider offers a place for ads."""
    descriptor = _packed(
        (int.from_bytes(b"CUEI"), 32),
        (_event_id(moment), 32),
        *((0, 1), (0x7F, 7)),  # not cancelled; as above; reserved
        *((1, 1), (int(ticks is not None), 1), (1, 1), (0x1F, 5)),  # the whole, everywhere
        *(() if ticks is None else ((ticks, 40),)),
        *((0, 8), (0, 8)),  # no name of a programme
        *((_PLACEMENT_START, 8), (_small(moment.number), 8), (_small(moment.of), 8)),
    )
    return _section(
        _TIME_SIGNAL, _packed(*_splice_time(at)), _packed((2, 8), (len(descriptor), 8)) + descriptor
    )


def _section(command: int, body: bytes, descriptors: bytes) -> bytes:
    """A splice_info_section, in the clear."""
    rest = _packed(
        *((0, 8), (0, 1), (0, 6), (0, _PTS_BITS), (0xFF, 8), (0xFFF, 12)),
        *((len(body), 12), (command, 8)),
    )
    rest += body + _packed((len(descriptors), 16)) + descriptors
    head = _packed((0xFC, 8), (0, 1), (0, 1), (3, 2), (len(rest) + 4, 12))
    return head + rest + _crc32(head + rest).to_bytes(4)


def _splice_time(at: int) -> Iterator[tuple[int, int]]:
    """A time stamp, modulo its width."""
    yield from ((1, 1), (0x3F, 6), (at % (1 << _PTS_BITS), _PTS_BITS))


def _packed(*fields: tuple[int, int]) -> bytes:
    """Pack numbers of the given bit widths one after the other; whole bytes together."""
    bits = "".join(f"{value:0{width}b}" for value, width in fields)
    return int(bits, 2).to_bytes(len(bits) // 8)


def _event_id(moment: BreakTime) -> int:
    """Stable event id of a break of a title; a collision is unlikely."""
    return zipcrc32(f"{moment.title}@{nearest(moment.at * _CLOCK)}".encode())


def _small(number: int) -> int:
    """Number as a byte; 0, which means "not given", if it is too large.

    Example:
        >>> _small(7), _small(300)
        (7, 0)
    """
    return number if number < 256 else 0


def _crc32(message: bytes) -> int:
    """The CRC of MPEG-2 (ISO/IEC 13818-1, annex A): not reflected, not inverted."""
    value = 0xFFFFFFFF
    for byte in message:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1) ^ (_POLYNOMIAL if value >> 31 else 0)
            value &= 0xFFFFFFFF
    return value
