"""Text that people write, read with a bound on its size: JSON, CSV, lists."""
