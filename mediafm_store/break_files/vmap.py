"""Breaks as VMAP 1.0.1, the list of ad breaks that video players read (IAB, 2014)."""

import re
from collections.abc import Mapping, Sequence
from math import ceil
from urllib.parse import quote, urlsplit
from xml.dom.minidom import Document, Element

from mediafm_store.ads.ad_matching import AdMatch
from mediafm_store.break_files.break_times import BreakTime
from mediafm_store.errors import InvalidInput
from mediafm_store.timelines.escaping import one_line
from mediafm_store.timelines.webvtt import clock_of

_SPACE, _VERSION = "http://www.iab.net/videosuite/vmap", "1.0"
_OURS = "urn:mediafm-store:break"
"""XML namespace of further facts on a break: score, reasons and ads."""
_PLACES = ("title", "break", "seconds", "ad")
"""What an ad tag may hold in braces."""


def vmap(
    moments: Sequence[BreakTime], ad_tag: str | None, ads: Mapping[str, Sequence[AdMatch]]
) -> str:
    """VMAP document with the breaks of one title; a player asks `ad_tag` at each.

    Args:
        moments: Times of the breaks.
        ad_tag: Address of the ad server; {title}, {break}, {seconds} and {ad} (the best ad, or
            nothing) are filled in. None if the player knows its server.
        ads: Matches for each break, best first, by the shot after it.

    Raises:
        InvalidInput: The breaks are of two titles, or the tag is not an address.
    """
    titles = dict.fromkeys(moment.title for moment in moments)
    if len(titles) > 1:
        raise InvalidInput(f"VMAP is of one title, these are {', '.join(titles)}; write one each")
    if ad_tag is not None:
        check_tag(ad_tag)
    document = Document()
    root = document.appendChild(document.createElement("vmap:VMAP"))
    root.setAttribute("xmlns:vmap", _SPACE)
    root.setAttribute("version", _VERSION)
    for moment in moments:
        root.appendChild(_ad_break(document, moment, ad_tag, ads.get(moment.place.after, ())))
    return document.toprettyxml(indent=" ", encoding="UTF-8").decode()


def _ad_break(
    document: Document, moment: BreakTime, ad_tag: str | None, ads: Sequence[AdMatch]
) -> Element:
    """One break: when, whom to ask, why here."""
    element = document.createElement("vmap:AdBreak")
    element.setAttribute("timeOffset", clock_of(moment.at))
    element.setAttribute("breakType", "linear")
    element.setAttribute("breakId", f"{moment.title}-{moment.number}")
    if ad_tag is not None:
        source = element.appendChild(document.createElement("vmap:AdSource"))
        source.setAttribute("id", str(moment.number))
        source.setAttribute("allowMultipleAds", "true")
        source.setAttribute("followRedirects", "true")
        address = source.appendChild(document.createElement("vmap:AdTagURI"))
        address.setAttribute("templateType", "vast3")
        address.appendChild(document.createCDATASection(_filled_tag(ad_tag, moment, ads)))
    extensions = element.appendChild(document.createElement("vmap:Extensions"))
    extension = extensions.appendChild(document.createElement("vmap:Extension"))
    extension.setAttribute("type", _OURS)
    extension.appendChild(_why(document, moment, ads))
    return element


def _why(document: Document, moment: BreakTime, ads: Sequence[AdMatch]) -> Element:
    """Score, reasons and ads of a break, for programs that look."""
    place = document.createElement("Break")
    place.setAttribute("xmlns", _OURS)
    place.setAttribute("score", f"{moment.place.score:.3f}")
    place.setAttribute("shot", moment.place.after)
    for reason in moment.place.reasons:
        told = place.appendChild(document.createElement("Reason"))
        told.appendChild(document.createTextNode(one_line(reason)))
    for ad in ads:
        told = place.appendChild(document.createElement("Ad"))
        told.setAttribute("id", one_line(ad.ad))
        told.setAttribute("score", f"{ad.score:.3f}")
    return place


def check_tag(ad_tag: str) -> None:
    """Raise InvalidInput for what is no address of an ad server."""
    try:
        parts = urlsplit(ad_tag)
    except ValueError:  # an open bracket, for one
        parts = urlsplit("")
    clean = ad_tag.isprintable() and not any(c.isspace() or c in '<>"' for c in ad_tag)
    if parts.scheme not in {"http", "https"} or not parts.netloc or "]]>" in ad_tag or not clean:
        raise InvalidInput(
            f"{ad_tag!r:.80} is no address of an ad server; give one as"
            " https://ads.example/vast?break={break}&at={seconds}"
        )
    for name in re.findall(r"{([^{}]*)}", ad_tag):
        if name not in _PLACES:
            known = ", ".join(f"{{{place}}}" for place in _PLACES)
            raise InvalidInput(
                f"{{{name}}} in {ad_tag!r:.80} is nothing to be filled in; there are {known}"
            )


def _filled_tag(ad_tag: str, moment: BreakTime, ads: Sequence[AdMatch]) -> str:
    """An ad tag with what it asks for in braces."""
    values = {
        "title": moment.title,
        "break": str(moment.number),
        "seconds": f"{ceil(moment.at * 1000) / 1000:.3f}",
        "ad": ads[0].ad if ads else "",
    }
    for name in _PLACES:
        ad_tag = ad_tag.replace(f"{{{name}}}", quote(values[name], safe=""))
    return ad_tag
