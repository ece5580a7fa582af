"""Nearest neighbours among vectors by inner product. Knows nothing of shots, titles or models."""

from mediafm_indexes.build import IndexTarget as IndexTarget
from mediafm_indexes.build import Train as Train
from mediafm_indexes.build import build as build
from mediafm_indexes.build import extend as extend
from mediafm_indexes.build import trainers as trainers
from mediafm_indexes.exact import ExactIndex as ExactIndex
from mediafm_indexes.facts import INDEX as INDEX
from mediafm_indexes.facts import IndexMetadata as IndexMetadata
from mediafm_indexes.facts import SearchQuality as SearchQuality
from mediafm_indexes.facts import of_all as of_all
from mediafm_indexes.facts import read_metadata as read_metadata
from mediafm_indexes.index import Index as Index
from mediafm_indexes.index import Neighbours as Neighbours
from mediafm_indexes.index import load_index as load_index
from mediafm_indexes.indexed import IndexedVectors as IndexedVectors
from mediafm_indexes.indexed import load as load
from mediafm_indexes.kinds import EXACT as EXACT
from mediafm_indexes.kinds import KINDS as KINDS
from mediafm_indexes.recall import recall_at_k as recall_at_k
from mediafm_indexes.sharded import Searched as Searched
from mediafm_indexes.sharded import combine_shards as combine_shards
from mediafm_indexes.vectors import DamagedError as DamagedError
