"""Which parameters a result depends on: local and global sensitivities of scenarios and of any function."""

from nicheloop.analysis.sensitivity.convergence import Verdict
from nicheloop.analysis.sensitivity.estimate import Estimate
from nicheloop.analysis.sensitivity.outputs import Output
from nicheloop.analysis.sensitivity.result import Sensitivity
from nicheloop.analysis.sensitivity.run import analyse
from nicheloop.analysis.sensitivity.scenarios import sensitivity
from nicheloop.analysis.sensitivity.space import Space

__all__ = ["Estimate", "Output", "Sensitivity", "Space", "Verdict", "analyse", "sensitivity"]
