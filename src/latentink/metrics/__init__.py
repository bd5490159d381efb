"""Measures of a result: what raw bits are worth, what symbols cost, how well a detector detects."""
