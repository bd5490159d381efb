"""Message decoders: networks that read bits from a picture, a file each, and their weights."""
