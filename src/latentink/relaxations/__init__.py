"""Rounding made differentiable, a file each; ``registry.py`` names those that a preset can take."""
