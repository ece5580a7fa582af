"""Run the detector and the encoders over one title.

One pass, all at the same time: the film is decoded and cut in the calling thread; each shot, as
soon as it is known, goes to three threads, one a modality.
"""

from dataclasses import dataclass
from functools import partial
from threading import Lock

from mediafm_store.arrays import Blocks, Fused, Modality
from mediafm_store.encoders.encoder import EncoderOutput, Encoders
from mediafm_store.features.fusion import describe, fuse
from mediafm_store.features.streams import (
    AudioFeatures,
    TextFeatures,
    VisualFeatures,
    encode_text,
    hear,
    say,
    see,
)
from mediafm_store.media.decode import Warn, log_warning, media_duration_s
from mediafm_store.media.parts import lasting_s
from mediafm_store.parallel import fan_out
from mediafm_store.records import Cue, Span, Title
from mediafm_store.shots.detectors import Detector
from mediafm_store.shots.shots import LumaStats, OnFrame, read_shots
from mediafm_store.subtitles.tracks import read_words

KEYFRAMES = 3
"""Pictures of a shot. Three instead of one raised nDCG@10 of similar shots from 0.45 to 0.52; five
or eight are no better (docs/decisions/0026-search-on-a-common-scale.md)."""
_AHEAD = 32
"""Shots that may wait for an encoder."""


@dataclass(frozen=True)
class Features:
    """Features of a title; everything by shot has one entry per shot."""

    cues: list[Cue]
    """The subtitles, which belong to the title rather than to one shot."""
    light: LumaStats
    pictured: VisualFeatures
    heard: AudioFeatures
    said: TextFeatures
    metadata: Blocks
    """One row: name, synopsis, genres and tags through the text encoder."""

    @property
    def spans(self) -> list[Span]:
        """Spans of the shots, in play order."""
        return self.pictured.spans

    @property
    def fused(self) -> Fused:
        """Fused vectors of the shots."""
        return fuse({m: e.blocks for m, e in self._encoded.items()})

    @property
    def described(self) -> Fused:
        """Description vectors of the shots."""
        return describe({m: e.described for m, e in self._encoded.items()})

    @property
    def _encoded(self) -> dict[Modality, EncoderOutput]:
        return {
            "visual": self.pictured.encoded,
            "audio": self.heard.encoded,
            "text": self.said.encoded,
        }


def extract(
    title: Title,
    *,
    encoders: Encoders,
    detector: Detector,
    keyframes: int = KEYFRAMES,
    cues: list[Cue] | None = None,
    on_frame: OnFrame = lambda frames, done_s, total_s: None,
    warn: Warn = log_warning,
    warn_of_words: Warn = log_warning,
) -> Features:
    """Cut a title into shots and encode them.

    Args:
        title: Title to extract from.
        encoders: One encoder per modality.
        detector: Function that finds the cuts.
        keyframes: Pictures to encode per shot.
        cues: Its subtitles, if they are known; default: read from its files.
        on_frame: Called with the frames so far, and the seconds done and in total; maybe from
            another thread, as `warn` and `warn_of_words` are.
        warn: Called once with each message, except those about subtitles.
        warn_of_words: Called once with each message about subtitles.

    Raises:
        InvalidMedia: If the title has no readable picture.
        InvalidSubtitles: If its subtitles are unreadable.
    """
    if cues is None:
        cues = read_words(title, warn_of_words)
    warn = _tell_once(warn)
    light = LumaStats.unknown()
    shots = read_shots(
        title.media, detector, keyframes=keyframes, light=light, on_frame=on_frame, warn=warn
    )
    pictured, heard, said = fan_out(
        shots,
        [
            partial(see, encoders["visual"]),
            partial(hear, encoders["audio"], title.media, warn),
            lambda cut: say(encoders["text"], cues, (shot.span for shot in cut)),
        ],
        ahead=_AHEAD,
    )
    _tell_if_cut_off(title, pictured.spans[-1].end_s, heard, warn)
    return Features(
        cues=cues,
        light=light,
        pictured=pictured,
        heard=heard,
        said=said,
        metadata=encode_text(encoders["text"], title.metadata_text),
    )


def _tell_once(warn: Warn) -> Warn:
    """Tells each line once, whichever thread has it first: picture and sound share a clock."""
    told: set[str] = set()
    telling = Lock()

    def tell(line: str) -> None:
        with telling:
            if line not in told:
                told.add(line)
                warn(line)

    return tell


def _tell_if_cut_off(title: Title, end_s: float, heard: AudioFeatures, warn: Warn) -> None:
    """Warn if picture and sound end a second, and a hundredth, before the file says they do."""

    def is_cut_off(total_s: float) -> bool:
        return not heard.goes_on and end_s < total_s - max(1.0, total_s / 100)

    if is_cut_off(media_duration_s(title.media)) and is_cut_off(total_s := lasting_s(title.media)):
        warn(
            f"{title.media.name} is cut off: it ends after {end_s:.1f} s of the {total_s:.1f} s"
            " that it announces"
        )
