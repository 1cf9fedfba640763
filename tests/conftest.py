"""For every test: one thread (two pytest workers on two cores are faster so), figures without a screen, Ctrl-C, and
a torchvision that can be imported.
"""

from __future__ import annotations

import os
import signal

import matplotlib as mpl
import torch
import torchvision_operators

torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that tests start
mpl.use("agg")
# A background job is born deaf to Ctrl-C, and so are the processes that its tests start; with a handler of Python's
# they are not.
signal.signal(signal.SIGINT, signal.default_int_handler)
torchvision_operators.declare()
