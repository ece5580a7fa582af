"""Migrations from older formats of a store: one function per format.

Each brings the tables of a store from one format to the next. It can be interrupted at any point
and run again: the titles table, which holds the format, is written last.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from mediafm_store.arrays import BLOCK
from mediafm_store.parallel import groups
from mediafm_store.tables.lancedb_tables import Tables
from mediafm_store.tables.schema import FORMAT, SHOTS, SPACES, TABLES, TAGS, TITLES, vectors_schema
from mediafm_store.tables.sql import one_of

log = logging.getLogger(__name__)
Row = dict[str, Any]
_AT_ONCE = 4096
"""Shots whose pictures are read together: 40 MB."""


def format_of(tables: Tables) -> str:
    """Format of the tables."""
    metadata = tables.open("titles").schema.metadata or {}
    return str(metadata.get(b"mediafm_format", b"?").decode())


def migrate(tables: Tables, written: int) -> None:
    """Bring a store of an older format to the current one; the caller holds the lock."""
    for number in range(written, FORMAT):
        _MIGRATIONS[number](tables)


def _to_2(tables: Tables) -> None:
    """Flags of shots; tracks and languages of subtitles; what a title was made from, in parts.

    What a title was made from is not known of old ones: the next ingest makes them again.
    """
    _add_columns(tables, "shots", ("black", "silent", "repeats"))
    new: Row = {"subtitle_track": None, "language": None, "sources": None, "subtitle_warnings": []}
    _change_titles(tables, 2, without=["source_hash"], new=new)


def _to_3(tables: Tables) -> None:
    """Series of titles, labelled scenes of shots."""
    _add_columns(tables, "shots", ("scene",))
    _change_titles(tables, 3, new={"series": ""})


def _to_4(tables: Tables) -> None:
    """Add the status of each version of a space; give metadata vectors their own space."""
    spaces = tables.select("spaces").to_pylist()
    if "live" in tables.open("spaces").schema.names:
        fused = next((r["fingerprint"] for r in spaces if r["name"] == "fused"), "")
        tables.rewrite("spaces", _of_schema([_to_4_space(row, fused) for row in spaces], SPACES))
    titles = tables.select("titles")
    fused_rows = [r for r in tables.select("spaces").to_pylist() if r["name"] == "fused"]
    if fused_rows and "metadata_vector" in titles.column_names:
        tables.create("metadata_v1", vectors_schema(BLOCK), anew=True)
        rows = [
            {
                "id": t["id"],
                "title": t["id"],
                "revision": t["revision"],
                "vector": t["metadata_vector"],
            }
            for t in titles.to_pylist()
        ]
        tables.add("metadata_v1", _of_schema(rows, vectors_schema(BLOCK)))
        space = fused_rows[0] | {"name": "metadata", "dim": BLOCK}
        tables.replace("spaces", ["name", "version"], _of_schema([space], SPACES))
    _change_titles(tables, 4, without=["metadata_vector"])


def _to_4_space(row: Row, fused: str) -> Row:
    """A version of a space, which was live or not; whatever was not had been before, or waited."""
    live = row.pop("live")
    promoted_at = row["created_at"] if live else None
    state = "live" if live else "backfilled"
    return row | {
        "fused": fused,
        "state": state,
        "promoted_at": promoted_at,
        "gates": [],
        "forced": False,
    }


def _to_5(tables: Tables) -> None:
    """Labels, probes and evaluations; tags say what they are from, and whether they apply."""
    for name in ("labels", "probes", "evaluations"):
        tables.create(name, TABLES[name])
    if "applies" not in tables.open("tags").schema.names:
        new: Row = {"task": "tags", "threshold": 0.0, "applies": True, "source": "neighbours"}
        rows = [row | new for row in tables.select("tags").to_pylist()]
        tables.rewrite("tags", _of_schema(rows, TAGS))
    _change_titles(tables, 5)


def _to_6(tables: Tables) -> None:
    """Add measures of what shots look like, as far as stored pictures and columns allow."""
    from mediafm_store.shots import picture

    new = (*picture.COLUMNS, "seen_p", "heard_p", "motion", "cuts_per_min", "looks")
    _add_columns(tables, "shots", new)
    titles = tables.select("titles", None, ["id", "shots"]).to_pylist()
    waiting = sum(title["shots"] for title in titles)
    if waiting > _AT_ONCE:
        log.warning("measuring the pictures of %d shots, some 10 ms each", waiting)
    for together in groups(titles, lambda title: int(title["shots"]), most=_AT_ONCE):
        condition = f"{one_of('title', [title['id'] for title in together])} AND looks IS NULL"
        shots = tables.select("shots", condition).to_pylist()
        if shots:
            measured = _of_schema(_to_6_shots(tables, shots), SHOTS)
            tables.replace("shots", ("id", "revision"), measured)
    _change_titles(tables, 6)


def _to_6_shots(tables: Tables, shots: Sequence[Row]) -> list[Row]:
    """Shots of some titles, of all revisions that there are, with what can be told of them."""
    from mediafm_store.shots import looks, picture

    pictures = tables.select("thumbnails", one_of("id", sorted({s["id"] for s in shots})))
    jpegs = {(p["id"], p["revision"]): p["jpeg"] for p in pictures.to_pylist()}
    of_title: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for shot in sorted(shots, key=lambda s: s["index"]):
        of_title[shot["title"], shot["revision"]].append(shot)
    found = []
    for rows in of_title.values():
        pace = looks.cuts_per_min([r["start_s"] for r in rows], [r["end_s"] for r in rows])
        for row, cuts in zip(rows, pace, strict=True):
            jpeg = jpegs.get((row["id"], row["revision"]))
            told = picture.columns(jpeg) if jpeg else {}
            known = row | told | {"cuts_per_min": cuts}
            found.append(known | {"looks": looks.look_words(known)})
    return found


def _to_7(tables: Tables) -> None:
    """The history of versions, of which the last moment of each is known, and their encoders.

    Those of old spaces are not known by name: the next ingest tells them.
    """
    _add_columns(tables, "spaces", ("encoders",))
    rows = tables.select("spaces").to_pylist()
    there = "history" in tables.open("spaces").schema.names
    if not there or any(row["history"] is None for row in rows):
        for row in rows:
            last = row["promoted_at"]
            row["history"] = [] if last is None else [last]
        tables.rewrite("spaces", _of_schema(rows, SPACES))
    _change_titles(tables, 7)


_MIGRATIONS: Mapping[int, Callable[[Tables], None]] = {
    1: _to_2,
    2: _to_3,
    3: _to_4,
    4: _to_5,
    5: _to_6,
    6: _to_7,
}
"""Migrations by the format that they start from."""


def _add_columns(tables: Tables, name: str, columns: tuple[str, ...]) -> None:
    """Add columns of the schema of a table that are not there yet, with nothing in them."""
    table = tables.open(name)
    missing = [TABLES[name].field(c) for c in columns if c not in table.schema.names]
    if missing:
        table.add_columns(pa.schema(missing))


def _change_titles(
    tables: Tables, format_version: int, *, without: list[str] | None = None, new: Row | None = None
) -> None:
    """Write all titles with other columns, in one commit that says the format."""
    rows = [
        {k: v for k, v in (row | (new or {})).items() if k not in (without or ())}
        for row in tables.select("titles").to_pylist()
    ]
    kept = set(tables.open("titles").schema.names) - set(without or ()) | set(new or ())
    schema = pa.schema(
        [field for field in [*TITLES, *_OLD_TITLES] if field.name in kept],
        metadata={"mediafm_format": str(format_version)},
    )
    tables.rewrite("titles", _of_schema(rows, schema))


_OLD_TITLES = [pa.field("metadata_vector", pa.list_(pa.float16(), BLOCK))]
"""Columns of titles that there are no more."""


def _of_schema(rows: list[Row], schema: pa.Schema) -> pa.Table:
    """Rows as a table."""
    return pa.Table.from_pylist(rows, schema=schema)
