"""Shots: where a film is cut, and what each one looks like."""
