"""A small catalogue of films made from free photographs, to try everything on."""

from mediafm_store.demo.films.catalogue import SampleTitle, make_sample_catalogue
from mediafm_store.demo.films.edit import CuttingList, SampleShot
from mediafm_store.demo.films.films import FILMS
from mediafm_store.demo.films.photos import PHOTOS, QUERIES, Photo, PhotoQuery

__all__ = [
    "FILMS",
    "PHOTOS",
    "QUERIES",
    "CuttingList",
    "Photo",
    "PhotoQuery",
    "SampleShot",
    "SampleTitle",
    "make_sample_catalogue",
]
