"""The notebook runs from top to bottom, and was committed with its outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "studies" / "weight_curves.ipynb"


def test_committed_with_outputs() -> None:
    cells = [cell for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    assert sum("image/png" in str(output) for cell in cells for output in cell.outputs) >= 4


@pytest.mark.filterwarnings("ignore")  # the kernel's own
def test_runs_from_top_to_bottom() -> None:
    notebook = nbformat.read(NOTEBOOK, 4)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    printed = [output["text"] for cell in notebook.cells for output in cell.get("outputs", ()) if "text" in output]
    assert any("no continuous loss has these weights" in text for text in printed)
