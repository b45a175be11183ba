"""The cells in the well."""

from __future__ import annotations

LEUKAEMIC = ("K562S", "K562R")
"""Imatinib-sensitive parent and imatinib-resistant derivative."""
STROMA = "stroma"
HOSTS = (*LEUKAEMIC, STROMA)
