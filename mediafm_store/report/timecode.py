"""Seconds as people read them."""


def timecode(seconds: float) -> str:
    """Hours, minutes, seconds and tenths; `-` before a negative time.

    Example:
        >>> timecode(192.44)
        '0:03:12.4'
    """
    # Rounded before it is split, so that no part can be rounded up to 60.
    tenths = round(abs(seconds) * 10)
    minutes, tenths = divmod(tenths, 600)
    sign = "-" if seconds < 0 and (minutes or tenths) else ""
    return f"{sign}{minutes // 60}:{minutes % 60:02}:{tenths // 10:02}.{tenths % 10}"


def timespan(start_s: float, end_s: float) -> str:
    """Time codes of a start and an end, with a dash between."""
    return f"{timecode(start_s)} \N{EN DASH} {timecode(end_s)}"
