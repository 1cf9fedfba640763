"""Memories: the bank, a FIFO queue; a slot a row; one embedded anew; and the momentum encoder that fills them."""

from weightlab.memory.bank import MemoryBank
from weightlab.memory.fresh import FreshMemory
from weightlab.memory.momentum import momentum_encoder
from weightlab.memory.slots import SlotMemory

__all__ = ["FreshMemory", "MemoryBank", "SlotMemory", "momentum_encoder"]
