"""Films, as rows and vectors of the store."""

__all__ = ["backfill", "ingest", "options", "title_rows", "worker"]
