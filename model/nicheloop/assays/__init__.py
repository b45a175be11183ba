"""Experiments as people run them, read-outs as people measure them."""
