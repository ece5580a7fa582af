"""Scores of several parts on one scale, and runs of shots laid along each other."""
