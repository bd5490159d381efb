"""The entropy coder: interleaved rANS over NumPy arrays, as docs/format.md specifies it."""
