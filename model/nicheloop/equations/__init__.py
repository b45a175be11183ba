"""From a PySB model to machine code: network, straight-line program, derivatives, native functions."""

from __future__ import annotations
