"""Add a title to a store whose model is trained, and propose tags and ad breaks for it.

python examples/tag_new_title.py my-store new_film.mp4
"""

import sys
from pathlib import Path

import mediafm_store as mfm

store, film = mfm.Store(sys.argv[1]), Path(sys.argv[2])

(result,) = mfm.ingest(store, [film])
if result.error:
    sys.exit(result.error)
mfm.embed(store)  # with the newest checkpoint, and only what lacks vectors

for tag in mfm.apply_tags(store, [result.title]):
    print(f"{tag.score:.2f}  {tag.tag}  because of {', '.join(tag.evidence)}")
for place in mfm.rank_breaks(store, result.title, rails=mfm.Rails(min_gap_s=15, margin_s=5), k=3):
    print(f"{place.seconds:.1f} s  {place.score:.2f}  {'; '.join(place.reasons)}")
