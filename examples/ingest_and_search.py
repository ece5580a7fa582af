"""Ingest a folder of films, train, embed, and find shots like one of them.

python examples/ingest_and_search.py films/ my-store
"""

import sys
from pathlib import Path

import mediafm_store as mfm


def main(films: str, folder: str) -> None:
    """Print the answers to two searches."""
    store = mfm.Storage(folder, create=True)
    for result in mfm.ingest(store, [Path(films)]):
        print(result.title, result.state, result.shots, "shots", result.error)

    mfm.train(store, preset="tiny")
    mfm.embed(store)
    mfm.build_index(store, store.live("context"))

    some_shot = store.shots()["id"][0]
    print("shots like", some_shot)
    for hit in mfm.search(store, shot=some_shot, k=5):
        print(f"{hit.score:.3f}  {hit.shot}  {hit.start_s:.1f} s  {hit.words[:40]}")

    for hit in mfm.search(store, text="a cup of coffee", k=3):
        print(f"{hit.score:.3f}  {hit.shot}  seen: {', '.join(hit.seen)}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("give films and a store: python examples/ingest_and_search.py films/ my-store")
    try:
        main(*sys.argv[1:])
    except mfm.MediaFMError as error:
        sys.exit(str(error))
