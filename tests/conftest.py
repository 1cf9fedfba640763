"""For every test: one thread (two pytest workers on two cores are faster so) and figures without a screen."""

from __future__ import annotations

import matplotlib as mpl
import torch

torch.set_num_threads(1)
mpl.use("agg")
