"""Comparisons: what methods deliver, and what detectors find of it."""
