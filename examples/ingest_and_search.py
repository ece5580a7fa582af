"""Ingest a folder of films, train, embed, and find shots like one of them.

python examples/ingest_and_search.py films/ my-store
"""

import sys

import mediafm_store as mfm


def main(films: str, folder: str) -> None:
    """Print the results of two searches."""
    store = mfm.open(folder, create=True)
    for result in store.ingest(films):
        print(result.title, result.state, result.shots, "shots", result.error)

    store.train("tiny")
    store.embed()
    store.indexes.build(space="context")

    some_shot = store.shots()["id"][0]
    print("shots like", some_shot)
    for hit in store.similar(some_shot, mfm.SearchOptions(k=5)):
        print(f"{hit.score:.3f}  {hit.shot}  {hit.start_s:.1f} s  {hit.words[:40]}")

    for hit in store.search("a cup of coffee", mfm.SearchOptions(k=3)):
        print(f"{hit.score:.3f}  {hit.shot}  seen: {', '.join(hit.seen)}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("give films and a store: python examples/ingest_and_search.py films/ my-store")
    try:
        main(*sys.argv[1:])
    except mfm.MediaFMError as error:
        sys.exit(str(error))
