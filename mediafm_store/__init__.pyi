"""The public names, and where they are defined. Imported when they are first used."""

from .ad_breaks.ad_break import AdBreak as AdBreak
from .ad_breaks.constraints import BreakConstraints as BreakConstraints
from .ads.ad_matching import AdMatch as AdMatch
from .ads.ads import Ad as Ad
from .clips.clip import Clip as Clip
from .encoders.encoder import Encoder as Encoder
from .encoders.encoder import EncoderOutput as EncoderOutput
from .errors import GateFailed as GateFailed
from .errors import InvalidInput as InvalidInput
from .errors import MediaFMError as MediaFMError
from .errors import NotFound as NotFound
from .errors import SpaceMismatch as SpaceMismatch
from .importing.options import ImportOptions as ImportOptions
from .indexing.config import IndexConfig as IndexConfig
from .ingestion.ingest import IngestResult as IngestResult
from .ingestion.options import IngestOptions as IngestOptions
from .probing.options import ProbeOptions as ProbeOptions
from .probing.predict import Prediction as Prediction
from .probing.registry import Probe as Probe
from .records import Shot as Shot
from .records import Span as Span
from .retrieval.hit import Hit as Hit
from .retrieval.query import SearchOptions as SearchOptions
from .retrieval.query import SearchQuery as SearchQuery
from .scenes.scenes import Scene as Scene
from .shots.detectors import Detector as Detector
from .store.hits import Hits as Hits
from .store.opening import open as open  # noqa: A004
from .store.store import Store as Store
from .store.stored_title import StoredTitle as StoredTitle
from .tables.spaces import Space as Space
from .tags.review import Feedback as Feedback
from .tags.tag import Tag as Tag
from .timelines.segment import Segment as Segment
from .training.run import TrainConfig as TrainConfig

__all__: list[str]
