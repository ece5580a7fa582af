"""Embeddings of films, shot by shot: ingest, train, embed, search, tag, rank ad breaks.

    import mediafm_store as mfm

    store = mfm.open("my-store", create=True)
    store.ingest("films/")
    store.train("small")
    store.embed()
    for hit in store.search("a snowy mountain"):
        print(hit.shot, hit.score)

The public names stand in `__init__.pyi`.
"""

import os

import lazy_loader

# torch and FAISS each bring OpenMP threads that spin while they wait and take the cores from
# decoding and LanceDB. It has to be said before either is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# `import mediafm_store` (and `mediafm --help`) loads neither torch nor faiss.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
