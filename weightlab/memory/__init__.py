"""The memory bank and the momentum encoder that fills it."""

from weightlab.memory.bank import MemoryBank
from weightlab.memory.momentum import momentum_encoder

__all__ = ["MemoryBank", "momentum_encoder"]
