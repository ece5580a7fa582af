"""How an ingest cuts and encodes titles."""

from dataclasses import dataclass
from pathlib import Path

from mediafm_store import plugins
from mediafm_store.errors import InvalidInput
from mediafm_store.features.extract import KEYFRAMES
from mediafm_store.media.video import frame_rate
from mediafm_store.shots.detectors import Detector
from mediafm_store.shots.shot_list import listed, read_shot_list
from mediafm_store.sources.change_detection import RULES, Provenance, digest
from mediafm_store.subtitles.language import wished


@dataclass(frozen=True, kw_only=True)
class IngestOptions:
    """How titles are cut and encoded.

    Raises:
        InvalidInput: `keyframes` is below 1, `shot_list` no file, or `language` unknown.
    """

    detector: str = "adaptive"
    """The plug-in that finds cuts: a name, or `package.module:attribute`."""
    shot_list: str | Path | None = None
    """Take the shots from this CSV or EDL instead; belongs to one video."""
    keyframes: int = KEYFRAMES
    """Pictures of each shot, spread evenly over it; their vectors are averaged."""
    language: str | None = None
    """Of the subtitles to use, as "de" or "deu"; default: the first there are."""
    title: str | None = None
    """The title's id; belongs to one video. Default: from the name of its file and folder."""
    force: bool = False
    """Compute everything again, whatever has changed."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be used, before a film is opened."""
        if self.shot_list is not None and not Path(self.shot_list).is_file():
            raise InvalidInput(f"--shot-list {self.shot_list} is not a file; give a CSV or an EDL")
        if self.keyframes < 1:
            raise InvalidInput(f"keyframes must be 1 or more, are {self.keyframes}")
        if self.language:
            wished(self.language)

    @property
    def wanted_language(self) -> str | None:
        """The language of the subtitles to use, as tracks name it."""
        return wished(self.language) if self.language else None

    @property
    def provenance(self) -> Provenance:
        """Options that change the rows, as hashes.

        The encoders are known by the version of the spaces in which the title has vectors.
        """
        cut_by = Path(self.shot_list).read_bytes() if self.shot_list else self.detector
        return Provenance(media=digest((RULES, cut_by, self.keyframes)), words=str(RULES))

    def detector_for(self, media: Path) -> Detector:
        """The detector that cuts a film."""
        if self.shot_list:
            return listed(read_shot_list(Path(self.shot_list), frame_rate(media)))
        return load_detector(self.detector)


def load_detector(name: str) -> Detector:
    """A plug-in that cuts films.

    Raises:
        NotFound: No plug-in has this name.
        InvalidInput: It cannot be loaded, or does not take what detectors take.
    """
    detector: Detector = plugins.load("detectors", name)
    plugins.check_call(name, detector, (), 25.0)
    return detector
