"""Everything that one pass over a film measures and encodes."""
