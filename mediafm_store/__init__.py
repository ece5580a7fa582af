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
    from mediafm_store.errors import MediaFMError as MediaFMError
    from mediafm_store.evaluation.judged import judge as judge
    from mediafm_store.evaluation.labels import read_judgements as read_judgements
    from mediafm_store.features.caption_map import CaptionMap as CaptionMap
    from mediafm_store.features.encoders import Encoded as Encoded
    from mediafm_store.features.encoders import Encoder as Encoder
    from mediafm_store.media.cut import Clip as Clip
    from mediafm_store.media.detectors import Detector as Detector
    from mediafm_store.model.run import TrainConfig as TrainConfig
    from mediafm_store.model.transformer import ModelConfig as ModelConfig
    from mediafm_store.model.transformer import ShotTransformer as ShotTransformer
    from mediafm_store.records import Cue as Cue
    from mediafm_store.records import Shot as Shot
    from mediafm_store.records import Span as Span
    from mediafm_store.records import Title as Title
    from mediafm_store.store.spaces import Space as Space
    from mediafm_store.store.store import Store as Store
    from mediafm_store.store.views import View as View
    from mediafm_store.tasks.atlas import Layout as Layout
    from mediafm_store.tasks.atlas import lay_out as lay_out
    from mediafm_store.tasks.backfill import backfill as backfill
    from mediafm_store.tasks.breaks.acts import acts as acts
    from mediafm_store.tasks.breaks.ads import Ad as Ad
    from mediafm_store.tasks.breaks.ads import read_ads as read_ads
    from mediafm_store.tasks.breaks.rails import Rails as Rails
    from mediafm_store.tasks.breaks.rank import rank_breaks as rank_breaks
    from mediafm_store.tasks.breaks.record import Break as Break
    from mediafm_store.tasks.breaks.relevance import Match as Match
    from mediafm_store.tasks.breaks.relevance import ads_of_breaks as ads_of_breaks
    from mediafm_store.tasks.breaks.relevance import breaks_of_ads as breaks_of_ads
    from mediafm_store.tasks.breaks.relevance import match_ads as match_ads
    from mediafm_store.tasks.captions import fit_caption_map as fit_caption_map
    from mediafm_store.tasks.cut import cut as cut
    from mediafm_store.tasks.dashboard import Dashboard as Dashboard
    from mediafm_store.tasks.dashboard import dashboard as dashboard
    from mediafm_store.tasks.doctor import doctor as doctor
    from mediafm_store.tasks.embed import embed as embed
    from mediafm_store.tasks.embed import embed_clip as embed_clip
    from mediafm_store.tasks.encoding import load_encoders as load_encoders
    from mediafm_store.tasks.evaluate import evaluate_model as evaluate_model
    from mediafm_store.tasks.evaluate_search import evaluate_search as evaluate_search
    from mediafm_store.tasks.export import export as export
    from mediafm_store.tasks.featurize import Progress as Progress
    from mediafm_store.tasks.hit import Hit as Hit
    from mediafm_store.tasks.importing.job import import_features as import_features
    from mediafm_store.tasks.index import build_index as build_index
    from mediafm_store.tasks.index import build_indexes as build_indexes
    from mediafm_store.tasks.index import refresh_index as refresh_index
    from mediafm_store.tasks.index import refresh_indexes as refresh_indexes
    from mediafm_store.tasks.index_config import IndexConfig as IndexConfig
    from mediafm_store.tasks.index_status import index_status as index_status
    from mediafm_store.tasks.ingest import Ingested as Ingested
    from mediafm_store.tasks.ingest import ingest as ingest
    from mediafm_store.tasks.labels import import_labels as import_labels
    from mediafm_store.tasks.labels import labelled as labelled
    from mediafm_store.tasks.labels import remove_labels as remove_labels
    from mediafm_store.tasks.probing.fit import fit_probe as fit_probe
    from mediafm_store.tasks.probing.predict import Prediction as Prediction
    from mediafm_store.tasks.probing.predict import apply_probe as apply_probe
    from mediafm_store.tasks.probing.refit import refit_probes as refit_probes
    from mediafm_store.tasks.probing.saved import Probe as Probe
    from mediafm_store.tasks.probing.saved import probes as probes
    from mediafm_store.tasks.scenes import Scene as Scene
    from mediafm_store.tasks.scenes import find_scenes as find_scenes
    from mediafm_store.tasks.search import search as search
    from mediafm_store.tasks.spaces import promote as promote
    from mediafm_store.tasks.spaces import retire as retire
    from mediafm_store.tasks.spaces import rollback as rollback
    from mediafm_store.tasks.stretches import stretch_of_run as stretch_of_run
    from mediafm_store.tasks.stretches import stretch_of_times as stretch_of_times
    from mediafm_store.tasks.stretches import stretches_of_hits as stretches_of_hits
    from mediafm_store.tasks.stretches import stretches_of_scenes as stretches_of_scenes
    from mediafm_store.tasks.stretches import stretches_of_shots as stretches_of_shots
    from mediafm_store.tasks.tags.apply import apply_tags as apply_tags
    from mediafm_store.tasks.tags.review import Answer as Answer
    from mediafm_store.tasks.tags.review import answer_tags as answer_tags
    from mediafm_store.tasks.tags.review import uncertain_tags as uncertain_tags
    from mediafm_store.tasks.tags.tag import Tag as Tag
    from mediafm_store.tasks.timelines.breaks import write_breaks as write_breaks
    from mediafm_store.tasks.timelines.stretch import Stretch as Stretch
    from mediafm_store.tasks.timelines.write import write_timeline as write_timeline
    from mediafm_store.tasks.titles import remove_titles as remove_titles
    from mediafm_store.tasks.titles import rename_title as rename_title
    from mediafm_store.tasks.train import train as train

# Public name -> the module that defines it. Imported on first use, so that
# `import mediafm_store` (and `mediafm --help`) loads neither torch nor faiss.
_HOME = {
    "Answer": "tasks.tags.review",
    "Ad": "tasks.breaks.ads",
    "Break": "tasks.breaks.record",
    "CaptionMap": "features.caption_map",
    "Clip": "media.cut",
    "Cue": "records",
    "Dashboard": "tasks.dashboard",
    "Detector": "media.detectors",
    "Encoded": "features.encoders",
    "Encoder": "features.encoders",
    "Hit": "tasks.hit",
    "IndexConfig": "tasks.index_config",
    "Ingested": "tasks.ingest",
    "Layout": "tasks.atlas",
    "Match": "tasks.breaks.relevance",
    "MediaFMError": "errors",
    "ModelConfig": "model.transformer",
    "Prediction": "tasks.probing.predict",
    "Probe": "tasks.probing.saved",
    "Progress": "tasks.featurize",
    "Rails": "tasks.breaks.rails",
    "Scene": "tasks.scenes",
    "Shot": "records",
    "ShotTransformer": "model.transformer",
    "Space": "store.spaces",
    "Span": "records",
    "Store": "store.store",
    "Stretch": "tasks.timelines.stretch",
    "Tag": "tasks.tags.tag",
    "Title": "records",
    "TrainConfig": "model.run",
    "View": "store.views",
    "acts": "tasks.breaks.acts",
    "answer_tags": "tasks.tags.review",
    "apply_probe": "tasks.probing.predict",
    "apply_tags": "tasks.tags.apply",
    "ads_of_breaks": "tasks.breaks.relevance",
    "backfill": "tasks.backfill",
    "breaks_of_ads": "tasks.breaks.relevance",
    "build_index": "tasks.index",
    "build_indexes": "tasks.index",
    "cut": "tasks.cut",
    "dashboard": "tasks.dashboard",
    "doctor": "tasks.doctor",
    "embed": "tasks.embed",
    "embed_clip": "tasks.embed",
    "evaluate_model": "tasks.evaluate",
    "evaluate_search": "tasks.evaluate_search",
    "export": "tasks.export",
    "find_scenes": "tasks.scenes",
    "fit_caption_map": "tasks.captions",
    "fit_probe": "tasks.probing.fit",
    "import_features": "tasks.importing.job",
    "import_labels": "tasks.labels",
    "index_status": "tasks.index_status",
    "ingest": "tasks.ingest",
    "judge": "evaluation.judged",
    "labelled": "tasks.labels",
    "lay_out": "tasks.atlas",
    "load_encoders": "tasks.encoding",
    "match_ads": "tasks.breaks.relevance",
    "promote": "tasks.spaces",
    "probes": "tasks.probing.saved",
    "rank_breaks": "tasks.breaks.rank",
    "read_ads": "tasks.breaks.ads",
    "read_judgements": "evaluation.labels",
    "refit_probes": "tasks.probing.refit",
    "refresh_index": "tasks.index",
    "refresh_indexes": "tasks.index",
    "remove_labels": "tasks.labels",
    "remove_titles": "tasks.titles",
    "rename_title": "tasks.titles",
    "retire": "tasks.spaces",
    "rollback": "tasks.spaces",
    "search": "tasks.search",
    "stretch_of_run": "tasks.stretches",
    "stretch_of_times": "tasks.stretches",
    "stretches_of_hits": "tasks.stretches",
    "stretches_of_scenes": "tasks.stretches",
    "stretches_of_shots": "tasks.stretches",
    "train": "tasks.train",
    "uncertain_tags": "tasks.tags.review",
    "write_breaks": "tasks.timelines.breaks",
    "write_timeline": "tasks.timelines.write",
}
__all__ = sorted(_HOME)  # noqa: PLE0605


if not TYPE_CHECKING:  # a visible __getattr__ would hide misspelt names from type checkers

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
