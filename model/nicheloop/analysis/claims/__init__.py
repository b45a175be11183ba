"""The six claims of the paper as experiments; one module per claim."""

from __future__ import annotations

from nicheloop.analysis.claims.claim import Claim
from nicheloop.analysis.claims.s1_resistance import S1
from nicheloop.analysis.claims.s2_expression import S2
from nicheloop.analysis.claims.s3_autocrine import S3
from nicheloop.analysis.claims.s4_stroma import S4
from nicheloop.analysis.claims.s5_migration import S5
from nicheloop.analysis.claims.s6_arms import S6

CLAIMS: tuple[Claim, ...] = (S1, S2, S3, S4, S5, S6)

__all__ = ["CLAIMS", "Claim"]
