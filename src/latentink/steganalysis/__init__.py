"""Detectors that say whether a file hides a message, a file each; registry.py lists them.

StegExpose (:mod:`~latentink.steganalysis.stegexpose`) is the mean of four that look for replaced
lowest bits: :mod:`~latentink.steganalysis.primary_sets`,
:mod:`~latentink.steganalysis.sample_pairs`, :mod:`~latentink.steganalysis.chi_square` and
:mod:`~latentink.steganalysis.rs_analysis`. The others learn from examples.
"""
