"""Lists of ads, and which ad fits which break."""

__all__ = ["ad_matching", "ads"]
