"""Weights on disk, a file for each kind of folder they come in."""
