"""Rounding made differentiable, one relaxation a file; each maps real symbols to real symbols."""
