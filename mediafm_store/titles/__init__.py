"""Titles by what people call them; renamed and removed."""
