"""Places for ad breaks: what is known of each cut, its score, and the rules that breaks keep."""

__all__ = ["ad_break", "constraints", "context", "learned_weights", "mentions", "rank", "score"]
