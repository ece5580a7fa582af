"""Time code (SMPTE ST 12-1), and the rates of film and television that it counts at."""

import re
from fractions import Fraction

_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d\d(?:[.,]\d{1,9})?)")
TIMECODE = re.compile(r"(\d{1,3})[:;](\d\d)[:;](\d\d)([:;.,])(\d{1,3})")
_DROP_FRAME_RATES = {30: 2, 60: 4}
"""Frame numbers that each minute but every tenth skips."""
_NTSC = Fraction(1000, 1001)
STANDARD = (
    *(24 * _NTSC, Fraction(24), Fraction(25), 30 * _NTSC, Fraction(30)),
    *(48 * _NTSC, Fraction(48), Fraction(50), 60 * _NTSC, Fraction(60)),
)
"""The rates that time code is defined for, frames a second."""
_NEAR = Fraction(3, 10_000)
"""Largest relative difference between a measured rate and the rate that it stands for."""


def clock_s(text: str) -> float | None:
    """Parse a clock time as seconds; None for anything else.

    Example:
        >>> clock_s("1:02:03.5")
        3723.5
    """
    clock = _CLOCK.fullmatch(text)
    if clock is None:
        return None
    hours, minutes, rest = clock.groups(default="0")
    return 3600 * int(hours) + 60 * int(minutes) + float(rest.replace(",", "."))


def exact_rate(fps: float | Fraction) -> Fraction:
    """Exact frame rate that a file's measured rate stands for.

    Example:
        >>> exact_rate(23.98)
        Fraction(24000, 1001)
    """
    nominal = Fraction(max(1, round(fps)))
    told = Fraction(fps)
    near = min((nominal, nominal * _NTSC), key=lambda rate: abs(rate - told))
    return near if abs(near - told) < _NEAR * told else told


def timecode_rate(rate: Fraction) -> Fraction:
    """Standard rate to count at: the rate itself, a multiple, a fraction, else the nearest.

    12.5 frames a second are counted at 25, 120 at 60: each frame, or every second one, has a code.
    """
    multiples = [s for s in STANDARD if (s / rate).denominator == 1]
    parts = [s for s in reversed(STANDARD) if (rate / s).denominator == 1]
    return next(iter(multiples + parts), min(STANDARD, key=lambda s: max(s / rate, rate / s)))


def can_drop(rate: Fraction) -> bool:
    """True if drop-frame time code is defined at a rate: 29.97 and 59.94."""
    return rate.denominator != 1 and round(rate) in _DROP_FRAME_RATES


def frame_of(text: str, rate: Fraction, *, drop: bool = False) -> int:
    """Parse a time code, HH:MM:SS:FF, or HH:MM:SS;FF for drop frame.

    Args:
        text: The time code.
        rate: Frames per second.
        drop: Read any time code as drop frame.

    Returns:
        Number of frames from 00:00:00:00.

    Raises:
        ValueError: If it is no time code, or does not exist at this rate.

    Example:
        >>> frame_of("01:00:00:00", Fraction(25))
        90000
    """
    match = TIMECODE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is not a timecode such as 01:00:12:12")
    hours, minutes, seconds, frames = (int(match[group]) for group in (1, 2, 3, 5))
    nominal, fps = max(1, round(rate)), float(rate)
    if minutes > 59 or seconds > 59 or frames >= nominal:
        raise ValueError(f"{text} does not exist at the film's {fps:.3f} frames a second")
    minutes += 60 * hours
    count = (60 * minutes + seconds) * nominal + frames
    if drop or match[4] in ";,":
        if nominal not in _DROP_FRAME_RATES:
            raise ValueError(f"{text} is drop frame, but the film has {fps:.3f} frames a second")
        count -= _DROP_FRAME_RATES[nominal] * (minutes - minutes // 10)
    return count


def timecode_of(frame: int, rate: Fraction, *, drop: bool = False) -> str:
    """Format a frame number as HH:MM:SS:FF, or HH:MM:SS;FF with `drop`.

    Args:
        frame: Number of frames from 00:00:00:00; counting starts again after 24 hours.
        rate: A standard rate; 29.97 or 59.94 with `drop`.
        drop: Count in drop frames.

    Example:
        >>> timecode_of(90000, Fraction(25))
        '01:00:00:00'
    """
    nominal = round(rate)
    if drop:
        skipped = _DROP_FRAME_RATES[nominal]
        minute = 60 * nominal - skipped
        tens, rest = divmod(frame, 10 * minute + skipped)
        # The first minute of ten is the only one that skips nothing.
        frame += 9 * skipped * tens + skipped * max(0, (rest - skipped) // minute)
    seconds, frames = divmod(frame % (86_400 * nominal), nominal)
    minutes, seconds = divmod(seconds, 60)
    mark = ";" if drop else ":"
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{mark}{frames:02}"


def nearest(exact: Fraction) -> int:
    """Round to the nearest integer; halves are rounded up.

    Example:
        >>> nearest(Fraction(5, 2))
        3
    """
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)
