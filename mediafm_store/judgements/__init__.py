"""Searches judged by people's labels."""
