"""Embeddings of films, shot by shot: ingest, train, embed, search, tag, rank ad breaks.

import mediafm_store as mfm

store = mfm.Store("my-store", create=True)
mfm.ingest(store, [Path("films/")])
mfm.train(store, preset="small")
mfm.embed(store)
hits = mfm.search(store, shot="sintel/00042")
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

# torch and FAISS each bring OpenMP threads that spin while they wait and take the cores from
# decoding and LanceDB. It has to be said before either is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from mediafm_store.ad_breaks.ad_break import AdBreak as AdBreak
    from mediafm_store.ad_breaks.constraints import BreakConstraints as BreakConstraints
    from mediafm_store.ad_breaks.rank import rank_breaks as rank_breaks
    from mediafm_store.ads.ad_matching import AdMatch as AdMatch
    from mediafm_store.ads.ad_matching import ads_of_breaks as ads_of_breaks
    from mediafm_store.ads.ad_matching import breaks_of_ads as breaks_of_ads
    from mediafm_store.ads.ad_matching import match_ads as match_ads
    from mediafm_store.ads.ads import Ad as Ad
    from mediafm_store.ads.ads import read_ads as read_ads
    from mediafm_store.atlas import ShotMap as ShotMap
    from mediafm_store.atlas import lay_out as lay_out
    from mediafm_store.break_files.acts import acts as acts
    from mediafm_store.break_files.export import write_breaks as write_breaks
    from mediafm_store.clips.clip import Clip as Clip
    from mediafm_store.clips.cut import cut as cut
    from mediafm_store.embedding.embed import embed as embed
    from mediafm_store.embedding.embed import embed_clip as embed_clip
    from mediafm_store.encoders.encoder import Encoder as Encoder
    from mediafm_store.encoders.encoder import EncoderOutput as EncoderOutput
    from mediafm_store.encoding import load_encoders as load_encoders
    from mediafm_store.errors import MediaFMError as MediaFMError
    from mediafm_store.evaluation.history import Dashboard as Dashboard
    from mediafm_store.evaluation.history import dashboard as dashboard
    from mediafm_store.evaluation.model import evaluate_model as evaluate_model
    from mediafm_store.evaluation.search import evaluate_search as evaluate_search
    from mediafm_store.exporters import export as export
    from mediafm_store.health import doctor as doctor
    from mediafm_store.importing.importer import import_features as import_features
    from mediafm_store.indexing.build import build_index as build_index
    from mediafm_store.indexing.build import build_indexes as build_indexes
    from mediafm_store.indexing.build import refresh_index as refresh_index
    from mediafm_store.indexing.build import refresh_indexes as refresh_indexes
    from mediafm_store.indexing.config import IndexConfig as IndexConfig
    from mediafm_store.indexing.status import index_status as index_status
    from mediafm_store.ingestion.backfill import backfill as backfill
    from mediafm_store.ingestion.ingest import IngestResult as IngestResult
    from mediafm_store.ingestion.ingest import ingest as ingest
    from mediafm_store.ingestion.worker import IngestProgress as IngestProgress
    from mediafm_store.judgements.judged import judge as judge
    from mediafm_store.judgements.labels import read_judgements as read_judgements
    from mediafm_store.labels.labels import import_labels as import_labels
    from mediafm_store.labels.labels import labelled as labelled
    from mediafm_store.labels.labels import remove_labels as remove_labels
    from mediafm_store.model.transformer import ModelConfig as ModelConfig
    from mediafm_store.model.transformer import ShotTransformer as ShotTransformer
    from mediafm_store.picture_text.caption_map import CaptionMap as CaptionMap
    from mediafm_store.probing.fit import fit_probe as fit_probe
    from mediafm_store.probing.predict import Prediction as Prediction
    from mediafm_store.probing.predict import apply_probe as apply_probe
    from mediafm_store.probing.refit import refit_probes as refit_probes
    from mediafm_store.probing.registry import Probe as Probe
    from mediafm_store.probing.registry import probes as probes
    from mediafm_store.records import Cue as Cue
    from mediafm_store.records import Shot as Shot
    from mediafm_store.records import Span as Span
    from mediafm_store.records import Title as Title
    from mediafm_store.releases.spaces import promote as promote
    from mediafm_store.releases.spaces import retire as retire
    from mediafm_store.releases.spaces import rollback as rollback
    from mediafm_store.retrieval.hit import Hit as Hit
    from mediafm_store.retrieval.search import search as search
    from mediafm_store.scenes.scenes import Scene as Scene
    from mediafm_store.scenes.scenes import find_scenes as find_scenes
    from mediafm_store.segments import segment_of_run as segment_of_run
    from mediafm_store.segments import segment_of_times as segment_of_times
    from mediafm_store.segments import segments_of_hits as segments_of_hits
    from mediafm_store.segments import segments_of_scenes as segments_of_scenes
    from mediafm_store.segments import segments_of_shots as segments_of_shots
    from mediafm_store.shots.detectors import Detector as Detector
    from mediafm_store.storage.storage import Storage as Storage
    from mediafm_store.storage.views import View as View
    from mediafm_store.tables.spaces import Space as Space
    from mediafm_store.tags.apply import apply_tags as apply_tags
    from mediafm_store.tags.review import Feedback as Feedback
    from mediafm_store.tags.review import answer_tags as answer_tags
    from mediafm_store.tags.review import uncertain_tags as uncertain_tags
    from mediafm_store.tags.tag import Tag as Tag
    from mediafm_store.text_search.captions import fit_caption_map as fit_caption_map
    from mediafm_store.timelines.segment import Segment as Segment
    from mediafm_store.timelines.writers import write_timeline as write_timeline
    from mediafm_store.titles.editing import remove_titles as remove_titles
    from mediafm_store.titles.editing import rename_title as rename_title
    from mediafm_store.training.run import TrainConfig as TrainConfig
    from mediafm_store.training.train import train as train

# Public name -> the module that defines it. Imported on first use, so that
# `import mediafm_store` (and `mediafm --help`) loads neither torch nor faiss.
_HOME = {
    "Feedback": "tags.review",
    "Ad": "ads.ads",
    "AdBreak": "ad_breaks.ad_break",
    "CaptionMap": "picture_text.caption_map",
    "Clip": "clips.clip",
    "Cue": "records",
    "Dashboard": "evaluation.history",
    "Detector": "shots.detectors",
    "EncoderOutput": "encoders.encoder",
    "Encoder": "encoders.encoder",
    "Hit": "retrieval.hit",
    "IndexConfig": "indexing.config",
    "IngestResult": "ingestion.ingest",
    "ShotMap": "atlas",
    "AdMatch": "ads.ad_matching",
    "MediaFMError": "errors",
    "ModelConfig": "model.transformer",
    "Prediction": "probing.predict",
    "Probe": "probing.registry",
    "IngestProgress": "ingestion.worker",
    "BreakConstraints": "ad_breaks.constraints",
    "Scene": "scenes.scenes",
    "Shot": "records",
    "ShotTransformer": "model.transformer",
    "Space": "tables.spaces",
    "Span": "records",
    "Storage": "storage.storage",
    "Segment": "timelines.segment",
    "Tag": "tags.tag",
    "Title": "records",
    "TrainConfig": "training.run",
    "View": "storage.views",
    "acts": "break_files.acts",
    "answer_tags": "tags.review",
    "apply_probe": "probing.predict",
    "apply_tags": "tags.apply",
    "ads_of_breaks": "ads.ad_matching",
    "backfill": "ingestion.backfill",
    "breaks_of_ads": "ads.ad_matching",
    "build_index": "indexing.build",
    "build_indexes": "indexing.build",
    "cut": "clips.cut",
    "dashboard": "evaluation.history",
    "doctor": "health",
    "embed": "embedding.embed",
    "embed_clip": "embedding.embed",
    "evaluate_model": "evaluation.model",
    "evaluate_search": "evaluation.search",
    "export": "exporters",
    "find_scenes": "scenes.scenes",
    "fit_caption_map": "text_search.captions",
    "fit_probe": "probing.fit",
    "import_features": "importing.importer",
    "import_labels": "labels.labels",
    "index_status": "indexing.status",
    "ingest": "ingestion.ingest",
    "judge": "judgements.judged",
    "labelled": "labels.labels",
    "lay_out": "atlas",
    "load_encoders": "encoding",
    "match_ads": "ads.ad_matching",
    "promote": "releases.spaces",
    "probes": "probing.registry",
    "rank_breaks": "ad_breaks.rank",
    "read_ads": "ads.ads",
    "read_judgements": "judgements.labels",
    "refit_probes": "probing.refit",
    "refresh_index": "indexing.build",
    "refresh_indexes": "indexing.build",
    "remove_labels": "labels.labels",
    "remove_titles": "titles.editing",
    "rename_title": "titles.editing",
    "retire": "releases.spaces",
    "rollback": "releases.spaces",
    "search": "retrieval.search",
    "segment_of_run": "segments",
    "segment_of_times": "segments",
    "segments_of_hits": "segments",
    "segments_of_scenes": "segments",
    "segments_of_shots": "segments",
    "train": "training.train",
    "uncertain_tags": "tags.review",
    "write_breaks": "break_files.export",
    "write_timeline": "timelines.writers",
}
__all__ = sorted(_HOME)  # noqa: PLE0605


if not TYPE_CHECKING:  # a visible __getattr__ would hide misspelt names from type checkers

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
