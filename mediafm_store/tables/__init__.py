"""The tables, as they lie on disk: schema, spaces, locks, migrations."""

__all__ = [
    "inventory",
    "lancedb_tables",
    "location",
    "migrations",
    "registry",
    "schema",
    "spaces",
    "sql",
    "turns",
]
