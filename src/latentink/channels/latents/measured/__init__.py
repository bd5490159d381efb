"""Hidden by codings that cost little: more room than the exact one, no proof.

What detectors find is in docs/steganalysis.md.
"""
