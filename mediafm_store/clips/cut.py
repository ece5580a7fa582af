"""Write segments of titles as files of their own."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from mediafm_store.clips.clip import Clip, cut_clip
from mediafm_store.errors import InvalidInput
from mediafm_store.timelines.segment import Segment

_LONGEST_NAME = 120
"""Characters of a file's name."""


def cut(
    segments: Sequence[Segment],
    into: str | Path,
    *,
    fast: bool = False,
    on_clip: Callable[[Clip, int, int], None] = lambda clip, done, total: None,
) -> list[Clip]:
    """Write each segment, picture and sound, to a file of its own.

    Cuts are frame exact: packets are copied where a segment begins at a key frame and ends where a
    copy can, else it is encoded again (H.264, HDR as H.265; AAC). A file of the same name is
    replaced.

    Args:
        segments: Segments to cut.
        into: Folder of the clips, which are named after the segments.
        fast: Copy all packets, from the key frame before each segment on.
        on_clip: Called with each clip, the number written and the total.

    Returns:
        The clips, in the order of the segments.

    Raises:
        InvalidMedia: If a film cannot be read; clips before it are kept.
    """
    into = Path(into)
    if into.exists() and not into.is_dir():
        raise InvalidInput(f"{into} is a file; give a folder to cut into")
    into.mkdir(parents=True, exist_ok=True)
    clips: list[Clip] = []
    for segment, name in zip(segments, _file_names(s.label for s in segments), strict=True):
        clips.append(cut_clip(segment.media, segment.span, into / name, fast=fast))
        on_clip(clips[-1], len(clips), len(segments))
    return clips


def _file_names(labels: Iterable[str]) -> list[str]:
    """Labels as names of files, without suffix, each once: `sintel/00042` is sintel_00042."""
    names: list[str] = []
    for label in labels:
        base = re.sub(r"[^\w.-]+", "_", label).strip("._")[:_LONGEST_NAME] or "clip"
        name, number = base, 1
        while name.casefold() in {n.casefold() for n in names}:
            number += 1
            name = f"{base}_{number}"
        names.append(name)
    return names
