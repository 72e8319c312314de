"""What a device does beyond latency and bandwidth: one group of figures per effect, each in a file of its own.

The figures are data; ``engine/effects`` has what a run does with them, docs/model.md section 1 the formulas.
"""

from hiersim.machine.effects.activation import Activation
from hiersim.machine.effects.loaded import LoadedLatency
from hiersim.machine.effects.nand import Nand
from hiersim.machine.effects.packets import Packets
from hiersim.machine.effects.slc import SlcCache

__all__ = ["Activation", "LoadedLatency", "Nand", "Packets", "SlcCache"]
