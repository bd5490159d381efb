"""Ways to hide bits in a photo, one file each behind one contract: ours and those to compare."""
