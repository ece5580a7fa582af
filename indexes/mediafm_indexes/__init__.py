"""Nearest neighbours among vectors by inner product. Knows nothing of shots, titles or models."""

from mediafm_indexes.evaluate import recall_at_k as recall_at_k
from mediafm_indexes.exact import ExactIndex as ExactIndex
from mediafm_indexes.index import Index as Index
from mediafm_indexes.index import Neighbours as Neighbours
from mediafm_indexes.index import load_index as load_index
