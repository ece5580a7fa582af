"""Add a title to a store whose model is trained, and propose tags and ad breaks for it.

python examples/tag_new_title.py my-store new_film.mp4
"""

import sys
from pathlib import Path

import mediafm_store as mfm


def main(folder: str, film: str) -> None:
    """Print tags with what speaks for them, and breaks with their reasons."""
    store = mfm.Storage(folder)
    results = mfm.ingest(store, [Path(film)])
    if len(results) != 1:
        raise mfm.MediaFMError(f"{film} holds {len(results)} films; give one")
    (result,) = results
    if result.error:
        raise mfm.MediaFMError(result.error)
    mfm.embed(store)  # with the newest checkpoint, and only what lacks vectors

    constraints = mfm.BreakConstraints(min_gap_s=15, margin_s=5)
    for tag in mfm.apply_tags(store, [result.title]):
        print(f"{tag.score:.2f}  {tag.tag}  because of {', '.join(tag.evidence)}")
    for place in mfm.rank_breaks(store, result.title, constraints=constraints, k=3):
        print(f"{place.seconds:.1f} s  {place.score:.2f}  {'; '.join(place.reasons)}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("give a store and a film: python examples/tag_new_title.py my-store new_film.mp4")
    try:
        main(*sys.argv[1:])
    except mfm.MediaFMError as error:
        sys.exit(str(error))
