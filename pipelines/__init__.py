"""Beam jobs and other programs that turn text into training data."""
