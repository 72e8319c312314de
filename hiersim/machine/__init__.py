"""What is simulated: tiers, links, units, the machine they form, and the rules by which a run manages it."""

from hiersim.machine.link import Link
from hiersim.machine.machine import Machine
from hiersim.machine.record import Confidence, Provenance
from hiersim.machine.route import Hop, route
from hiersim.machine.rules import ClassRules, Execute, PolicyChoice, PrefetchChoice, Promotion, Replay, TierRules
from hiersim.machine.tier import Tier
from hiersim.machine.unit import Unit

__all__ = [
    "ClassRules",
    "Confidence",
    "Execute",
    "Hop",
    "Link",
    "Machine",
    "PolicyChoice",
    "PrefetchChoice",
    "Promotion",
    "Provenance",
    "Replay",
    "Tier",
    "TierRules",
    "Unit",
    "route",
]
