"""Versions of spaces."""

from typing import TYPE_CHECKING, Any

from mediafm_cli.output import Row

if TYPE_CHECKING:
    from mediafm_store.storage.storage import Storage


def version_rows(store: "Storage") -> list[dict[str, Any]]:
    """Every version with the number of its vectors."""
    from mediafm_store.tables.registry import space_of

    found = []
    for row in store.registry.rows():
        space = space_of(row)
        there = {} if space.state == "retired" else store.rows_by_title(space)
        found.append({"table": space.table, **row, "vectors": sum(there.values())})
    return found


def version_cells(row: Row) -> Row:
    """Table cells of a version."""
    return {
        "space": row["name"],
        "version": row["version"],
        "state": row["state"] + (" (forced)" if row["forced"] else ""),
        "vectors": row["vectors"],
        "fingerprint": row["fingerprint"],
        "made by": row["made_by"],
    }


def version_detail(row: Row) -> Row:
    """All that is known of a version."""
    said = {True: "passed", False: "FAILED"}
    gates = {gate["name"]: f"{said[gate['passed']]}: {gate['said']}" for gate in row["gates"]}
    dates = {"created": row["created_at"], "promoted": row["promoted_at"]}
    return {**version_cells(row), "fused": row["fused"], **dates, **gates}
