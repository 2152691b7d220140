"""`eval`: samples answers where the input has none, grades them, and counts what the whole run says."""

from o1j.steps.eval.graders import Grader
from o1j.steps.eval.step import Asker, evaluate
from o1j.steps.eval.summary import Summary, figures

__all__ = ["Asker", "Grader", "Summary", "evaluate", "figures"]
