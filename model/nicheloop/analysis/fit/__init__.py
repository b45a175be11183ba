"""Fit of the model to assay data: problem, search, what the data can tell."""
