"""The five losses of the mission by name: explicit weight functions, curves in three contexts, and easy negatives.

Run by `make five-losses`; writes figures/five-losses/README.md and a figure a loss.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import pandas as pd

import weightlab as wl
from weightlab.decompose import contexts
from weightlab.decompose.decomposition import ratio_in_words
from weightlab.files import write_text
from weightlab.lazy import plt
from weightlab.plot import style
from weightlab.plot.save import save_figure
from weightlab.plot.tables import markdown

LOSSES = ("contrastive", "triplet", "ms-loss", "lifted", "n-pair")
CONTEXTS = ("random", "early", "trained")
NEGATIVES = (64, 8192)
FOLDER = Path("figures/five-losses")

INTRODUCTION = """# Five losses and their weight functions

Written by `make five-losses`. A pair-wise loss pulls a positive pair with weight $w^+ = -\\partial L/\\partial S$ and
pushes a negative one with weight $w^- = +\\partial L/\\partial S$. Below, for each loss: both weights as formulas
derived from its value, their curves in three contexts, and what the loss does to easy negatives.

Contexts: `random` is cosines of random directions in 128 dimensions, for either sign; `early`: positives
$N(0.5, 0.2^2)$, negatives $N(0.3, 0.2^2)$; `trained`: positives $N(0.75, 0.15^2)$, negatives $N(0.1, 0.15^2)$, cut at
±1; 3 positives an anchor. A negative is *easy* where it lies more than 0.1 below the anchor's hardest positive. Shares
and ratios are of the weight mass that is expected in a context, with their standard errors, as `weightlab decompose`
prints them.
"""


def main() -> None:
    """Write the page and its figures."""
    parts = [INTRODUCTION]
    for name in LOSSES:
        found = {context: wl.decompose(name, context) for context in CONTEXTS}
        draw(found, FOLDER / f"{name}.png")
        trained = found["trained"]
        assert trained.formula is not None
        rows = easy_negatives(name)
        parts.append(
            f"## {name}\n\n`{trained.title}`; {wl.losses.get(name).source}\n\n"
            f"{display('+', trained.formula['positive'])}\n\n{display('-', trained.formula['negative'])}\n\n"
            f"with {', '.join(f'{each.symbol} = `{each.name}` = {each.value:g}' for each in trained.parameters)}.\n\n"
            f"![weight curves of {name}]({name}.png)\n\n{sentence(rows)}\n\n{table(rows)}\n"
        )
    write_text(FOLDER / "README.md", "\n".join(parts))


def display(sign: str, latex: str) -> str:
    """A weight's formula on its own line, in a fence: between dollar signs Markdown eats some backslashes."""
    return f"```math\nw^{sign} = {latex}\n```"


def draw(found: dict[str, wl.Decomposition], path: Path) -> None:
    """The curves of one loss, a panel a context."""
    with style.context():
        figure, axes = plt.subplots(1, len(found), figsize=(11, 3))
        for ax, (context, each) in zip(axes, found.items(), strict=True):
            each.plot(ax)
            ax.set_title(context, pad=18 if each.relative else 6)
        figure.suptitle(found["trained"].title)
        save_figure(figure, path)


def easy_negatives(name: str) -> pd.DataFrame:
    """What share of the negatives is easy, and what share of the negatives' weight mass those get."""
    rows = []
    for context in CONTEXTS:
        for negatives in NEGATIVES:
            each = wl.decompose(name, contexts.get(context, negatives=negatives), points=2, draws=1)  # for its mass
            easy = each.hardness[(each.hardness["sign"] == "negative") & (each.hardness["kind"] == "easy")].iloc[0]
            share = f"{easy['share']:.1%} ± {100 * easy['error']:.1f}"
            rows.append((context, negatives, easy["pairs"], share, ratio_in_words(each.ratio, each.ratio_error)))
    return pd.DataFrame(rows, columns=["context", "negatives", "easy", "share", "ratio"])


def sentence(rows: pd.DataFrame) -> str:
    """The trained context in words."""
    batch, memory = (rows[(rows["context"] == "trained") & (rows["negatives"] == each)].iloc[0] for each in NEGATIVES)
    return (
        f"In the trained context, where {memory['easy']:.0%} of the negatives are easy, these get {batch['share']} "
        f"of the negatives' weight mass in a batch of {batch['negatives']} and {memory['share']} in a memory of "
        f"{memory['negatives']:,}; all negatives together weigh {batch['ratio']} times as much as the positives in "
        f"the batch, and {memory['ratio']} times in the memory."
    )


def table(rows: pd.DataFrame) -> str:
    """The shares as a Markdown table."""
    heads = ["context", "negatives", "easy negatives", "their share of the weight mass", "negative / positive mass"]
    body = [[row.context, f"{row.negatives:,}", f"{row.easy:.1%}", row.share, row.ratio] for row in rows.itertuples()]
    return markdown(heads, body, right=heads[1:])


if __name__ == "__main__":
    main()
