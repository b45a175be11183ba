"""Measurements of nicheloop's engines beside those of other tools: ``python -m benchmarks``."""
