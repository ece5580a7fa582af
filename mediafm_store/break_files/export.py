"""Write breaks in the form that a file's name asks for."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from mediafm_store.ad_breaks.ad_break import AdBreak
from mediafm_store.ads.ad_matching import AdMatch, ads_of_breaks
from mediafm_store.break_files.acts import acts
from mediafm_store.break_files.break_times import BreakTime, moments
from mediafm_store.break_files.scte35 import scte35
from mediafm_store.break_files.vmap import check_tag, vmap
from mediafm_store.errors import InvalidInput
from mediafm_store.files import write_text
from mediafm_store.storage.storage import Storage
from mediafm_store.timelines.segment import Rate
from mediafm_store.timelines.writers import formats, suffix_of, write_timeline

_Ads = Mapping[str, Sequence[AdMatch]]
_BREAKS: dict[str, Callable[[list[BreakTime], float | None, str | None, _Ads], str]] = {
    ".vmap": lambda found, break_s, ad_tag, ads: vmap(found, ad_tag, ads),
    ".scte35": lambda found, break_s, ad_tag, ads: scte35(found, break_s),
}


def write_breaks(
    path: str | Path,
    store: Storage,
    breaks: Mapping[str, Sequence[AdBreak]],
    *,
    ads: Sequence[AdMatch] = (),
    ad_tag: str | None = None,
    break_s: float | None = None,
    fps: Rate = None,
) -> None:
    """Write breaks for ad servers, editing programs, tables or players.

    The suffix chooses the format: `.vmap` is VMAP 1.0.1, of one title; `.scte35` holds SCTE 35
    messages as JSON lines. All others hold the acts between the breaks (see `acts` and
    `write_timeline`).

    Args:
        path: File to write.
        store: The store that has the titles.
        breaks: Breaks by title id.
        ads: Matches, of which VMAP names the best for each break.
        ad_tag: Address of the ad server, for VMAP.
        break_s: Length of a break in seconds, for SCTE 35.
        fps: Frame rate of an edit list; None for that of the film.

    Raises:
        InvalidInput: The format is unknown, or there is no break.
        NotFound: The store no longer has a break.
    """
    path = Path(path)
    suffix = _break_format(path)
    if not any(breaks.values()):
        raise InvalidInput(f"nothing to write to {path}: there is no break")
    if suffix in _BREAKS:
        found = moments(store, breaks)
        write_text(path, _BREAKS[suffix](found, break_s, ad_tag, ads_of_breaks(ads)))
    else:
        parts = [act for title, places in breaks.items() for act in acts(store, title, places)]
        write_timeline(path, parts, fps=fps)


def check_break_files(
    paths: Sequence[Path],
    titles: Collection[str],
    ad_tag: str | None = None,
    *,
    with_ads: bool = False,
) -> None:
    """Raise InvalidInput for files that cannot be written, before breaks are computed."""
    vmaps = [path for path in paths if _break_format(path) == ".vmap"]
    if vmaps and len(titles) > 1:
        raise InvalidInput(
            f"VMAP is of one title, {len(titles)} are given; write {vmaps[0]} of one"
        )
    if ad_tag is not None:
        check_tag(ad_tag)
        if not vmaps:
            raise InvalidInput("an ad server's address is for VMAP: add --out breaks.vmap")
        if "{ad}" in ad_tag and not with_ads:
            raise InvalidInput(
                f"{ad_tag} asks for an {{ad}}, and there is no list of ads:"
                " use `mediafm breaks match-ads`"
            )


def _break_format(path: Path) -> str:
    """The suffix that says how breaks are written; raise InvalidInput if it is none of them."""
    return suffix_of(path, known=(*formats(), *_BREAKS))
