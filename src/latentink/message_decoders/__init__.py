"""Networks that read bits from a picture, a file each, and the files that hold their weights."""
