"""Assay tables: reading, writing, what they say of wells, what the model says to them, and virtual ones."""
