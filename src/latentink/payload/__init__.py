"""Message to bits and back, exactly: keys, sealing, error correction, placement."""
