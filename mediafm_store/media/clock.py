"""Time stamps that can be believed, so that all tracks of a file share one clock."""

import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from mediafm_store.media.decode import Warn, duration_s, log_warning
from mediafm_store.media.parts import HOLE_S, JUMP_S, LOOKED_AT, ClockPart, jumps_in_words, parts_of
from mediafm_store.media.timecode import nearest

_BEYOND_S = 2.0


class Clock:
    """The time stamps of one track.

    One that is missing, or lies beyond the end of the file, is damaged: the frame follows the one
    before it. Where a new part of the file begins, all that comes is moved behind what was there;
    so too, where no part is known, if two in a row lie before the last.
    """

    def __init__(
        self,
        length_s: float,
        time_base: Fraction,
        parts: Callable[[], list[ClockPart]] = lambda: [],
    ) -> None:
        """`parts` is asked once, and only if a time stamp jumps: it reads the whole file."""
        self._end = (length_s + _BEYOND_S) / time_base if length_s else math.inf
        self._jump, self._hole = JUMP_S / time_base, HOLE_S / time_base
        self._tick, self._find = time_base, parts
        self._parts: list[ClockPart] | None = None
        self._part, self._moved, self._before = 0, 0, -math.inf

    @classmethod
    def of(cls, container: Any, stream: Any, path: Path, warn: Warn = log_warning) -> "Clock":
        """Clock of a track of an open file; `warn` is called if it jumps."""

        def parts() -> list[ClockPart]:
            found = parts_of(path)
            if len(found) > 1:
                warn(f"{path.name}: {jumps_in_words(found)}")
            return found

        return cls(duration_s(container), stream.time_base or Fraction(1, 48_000), parts)

    def place(self, given: int | None, following: int) -> int:
        """Place of a frame whose stamp is `given`; the frame before it ends at `following`."""
        if given is None or given > self._end:
            return following
        if self._runs_on(given, following) or self._jumps(given):
            self._before = -math.inf
            return given + self._moved
        if given + self._moved > following:
            return given + self._moved  # a picture that stays, or a pause of the sound
        if 0 <= given - self._before <= self._jump:
            self._moved = following - given
        self._before = given
        return following

    def place_rare(self, given: int, last: int) -> int:
        """Place of an item of a sparse track, such as subtitles; items may come in any order."""
        if not self._runs_on(given, last):
            self._jumps(given)
        return given + self._moved

    def _runs_on(self, given: int, following: int) -> bool:
        """True if a stamp is about where it is expected."""
        return following - self._jump <= given + self._moved <= following + self._hole

    def _jumps(self, given: int) -> bool:
        """True if a stamp is the first of another part, which is the current one from then on."""
        if self._parts is None:
            self._parts = self._find()
        seconds = float(given * self._tick)
        after = self._part + 1
        for number, part in enumerate(self._parts[after : after + LOOKED_AT], after):
            if part.start_s - JUMP_S <= seconds <= part.end_s + JUMP_S:
                self._part = number
                self._moved = nearest(Fraction(part.moved_s) / self._tick)
                return True
        return False
