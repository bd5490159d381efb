"""Layers that codecs are made of, with the names of parameters that published checkpoints use."""
