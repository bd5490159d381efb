"""ELIC (He et al. 2022): uneven groups of channels, each in two passes over a checkerboard."""
