"""The laws that a weighting is held to: our tests are `check`, and so is a test of a loss of your own.

from weightlab.testing import check

check(MyLoss()).raise_if_broken()
"""

from weightlab.testing.checking import check
from weightlab.testing.contexts import random_pairs
from weightlab.testing.report import Law, Report, Verdict

__all__ = ["Law", "Report", "Verdict", "check", "random_pairs"]
