"""Masked shot modelling on the titles of a store."""
