"""The option --context: what an anchor's other pairs are like."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from weightlab.decompose import Context

__all__ = ["ContextName", "Negatives", "Positives", "context_of"]

ContextName = Annotated[
    str,
    typer.Option(
        "--context",
        help="similarities of the other pairs: random (cosines of random directions in 128 dimensions; random:512: in "
        "512), early (positives normal with mean 0.5, standard deviation 0.2; negatives 0.3, 0.2; cut at -1 and 1), "
        "trained (positives 0.75, 0.15; negatives 0.1, 0.15), run:FOLDER (a run's test classes) or file:FILE (your own "
        "embeddings; file:x.npz(embeddings=X, labels=y) where its arrays have other names)",
    ),
]
Positives = Annotated[int, typer.Option(help="positives of an anchor in the context")]
Negatives = Annotated[int, typer.Option(help="negatives of an anchor in the context")]


def context_of(text: str, positives: int, negatives: int) -> Context:
    """A named context, or one measured on a run's test classes or on a file of embeddings."""
    from weightlab.decompose import contexts

    kind, colon, place = text.partition(":")
    if kind == "run" and colon:
        from weightlab.train import embed_run

        return contexts.Measured(text, *embed_run(Path(place)), positives, negatives)
    if kind == "file" and colon:
        from weightlab.data.features import read_source
        from weightlab.data.source import Source

        return contexts.Measured(text, *read_source(Source.parse(text)), positives, negatives)
    return contexts.get(text, positives, negatives)
