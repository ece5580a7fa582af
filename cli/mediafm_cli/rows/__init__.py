"""Results as rows: what --json prints of each, and which cells a table shows."""
