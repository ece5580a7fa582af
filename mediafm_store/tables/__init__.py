"""The tables, as they lie on disk: schema, spaces, locks, migrations."""
