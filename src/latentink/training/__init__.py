"""Trainers and recipes for everything that ships weights."""
