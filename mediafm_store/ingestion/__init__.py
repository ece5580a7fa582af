"""Films, as rows and vectors of the store."""
