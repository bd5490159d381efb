"""Detectors that say whether a picture hides a message, one file each.

StegExpose's four, which look for replaced lowest bits, and their fusion:
:mod:`~latentink.steganalysis.primary_sets`, :mod:`~latentink.steganalysis.sample_pairs`,
:mod:`~latentink.steganalysis.chi_square`, :mod:`~latentink.steganalysis.rs_analysis` and
:mod:`~latentink.steganalysis.stegexpose`.
"""
