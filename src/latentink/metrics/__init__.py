"""Measures of a result: distortion, and what the raw bits are worth."""
