from pathlib import Path

import pytest
import torch
from study_example import EXAMPLE

from weightlab.study.spec import StudySpec, read

torch.set_num_threads(1)  # small tensors: more threads would get in each other's way


@pytest.fixture
def spec_path(tmp_path: Path) -> Path:
    path = tmp_path / "studies" / "example.toml"
    path.parent.mkdir()
    path.write_text(EXAMPLE)
    return path


@pytest.fixture
def spec(spec_path: Path) -> StudySpec:
    return read(spec_path)
