"""For the tests with timm."""

from __future__ import annotations

import torchvision_operators

torchvision_operators.declare()
