"""The optimisation of the latent (Eq. 6): presets, objective, relaxations of rounding, editor."""
