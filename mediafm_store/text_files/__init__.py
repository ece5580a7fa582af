"""Text that people write, read with a bound on its size: JSON, CSV, lists."""

__all__ = ["csv_text", "json_text", "lists", "plain_text"]
