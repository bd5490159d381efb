"""Bundled weights, each a safetensors file with a model card beside it."""
