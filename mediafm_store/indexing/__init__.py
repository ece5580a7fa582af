"""Indexes of the vectors of a space: built, refreshed, and asked for the nearest."""
