"""Places for ad breaks: what is known of each cut, its score, and the rules that breaks keep."""
