"""Methods that hide bits in a photo, ours and baselines: a file each, behind one contract."""
