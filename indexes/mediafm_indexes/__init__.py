"""Nearest neighbours among vectors by inner product. Knows nothing of shots, titles or models."""

from mediafm_indexes.build import IndexTarget as IndexTarget
from mediafm_indexes.build import Train as Train
from mediafm_indexes.build import build as build
from mediafm_indexes.build import extend as extend
from mediafm_indexes.build import trainers as trainers
from mediafm_indexes.exact import ExactIndex as ExactIndex
from mediafm_indexes.factories import EXACT as EXACT
from mediafm_indexes.factories import KINDS as KINDS
from mediafm_indexes.index import Index as Index
from mediafm_indexes.index import Neighbours as Neighbours
from mediafm_indexes.index import load_index as load_index
from mediafm_indexes.metadata import INDEX as INDEX
from mediafm_indexes.metadata import IndexMetadata as IndexMetadata
from mediafm_indexes.metadata import SearchQuality as SearchQuality
from mediafm_indexes.metadata import of_all as of_all
from mediafm_indexes.metadata import read_metadata as read_metadata
from mediafm_indexes.recall import recall_at_k as recall_at_k
from mediafm_indexes.searcher import VectorSearcher as VectorSearcher
from mediafm_indexes.searcher import load as load
from mediafm_indexes.sharded import Searched as Searched
from mediafm_indexes.sharded import combine_shards as combine_shards
from mediafm_indexes.vectors_file import DamagedError as DamagedError
