"""weightlab check: which laws a loss's weights hold to."""

from __future__ import annotations

from typing import Annotated

import typer

from weightlab.cli.options import Format
from weightlab.cli.printing import print_rows

__all__ = ["check"]


def check(
    loss: Annotated[
        str, typer.Argument(help="ms-loss, 'ms-loss(beta=40)', 'package.module:Class(margin=0.1)' or file.py:function")
    ],
    output: Annotated[Format, typer.Option("--format", help="how to print it")] = Format.table,
) -> None:
    """Whether a loss's weights are what they should be: the derivative, finite, 0 off their mask, and more.

    Each law holds, fails (with a counter-example) or does not apply; the exit code is 1 where one fails. A class with
    weights(pairs) is held to its own value and form, where it has them; a plain loss has its weights from autograd.

    \b
    weightlab check my_losses.py:MyLoss
    weightlab check my_losses.py:my_loss --format json
    weightlab check "ms-loss(beta=40)"
    weightlab check "pytorch_metric_learning.losses:CircleLoss(m=0.4)"
    """
    from weightlab.testing import check as run

    report = run(loss)
    rows = [
        {"law": law.name, "verdict": law.verdict, "statement": law.statement, "detail": law.detail}
        for law in report.laws
    ]
    print_rows(rows, output)
    if not report.holds:
        raise typer.Exit(1)
