"""The terms of Eq. 1, a file each: pure functions of tensors, differentiable.

``editing/objective.py`` registers them: one line of ``TERMS`` a term.
"""
