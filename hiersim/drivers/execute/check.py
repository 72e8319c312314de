"""What of a trace of operations does not fit a machine, said before the run; names, formats, homes, sizes."""

from __future__ import annotations

from typing import Any

import numpy as np

from hiersim.drivers.execute import scan
from hiersim.drivers.execute.setup import Setting, Trace, costs, homes, plan_of
from hiersim.errors import ConfigError, TraceError, nearest
from hiersim.machine import ClassRules
from hiersim.machine.machine import unknown_tier
from hiersim.traces.operation import COMPUTE, DTYPES, NONE, Operations, OperationTrace


def check_names(setting: Setting, trace: Trace) -> None:
    """Check that the machine has what a trace names, and that the rules are for operations.

    Raises:
        ConfigError: the rules say what operations do not know, or leave out a tier that they need.
        TraceError: an unknown unit or tier.
    """
    _rules(setting)
    _names(setting, trace)


def check(setting: Setting, trace: Trace) -> None:
    """Check a trace whose names are right against a machine, as far as it is there; pieces are checked as they come.

    Raises:
        TraceError: an object from nowhere, an operation that is too large; with its name.
    """
    if isinstance(trace, OperationTrace):
        produced(setting, trace)
        check_piece(setting, trace, trace.operations, homes(plan_of(setting), trace, setting.classes))


def _rules(setting: Setting) -> None:
    for name, rules in setting.rules.items():
        if rules.prefetch is not None:
            raise ConfigError(f"tiers.{name}.prefetch: is for accesses; `execute.ahead` prefetches for operations")
        if rules.write == "around":
            raise ConfigError(f"tiers.{name}.write: `around` is for accesses; operations write to their near tier")


def _names(setting: Setting, trace: Trace) -> None:
    machine, header = setting.machine, trace.header
    for name in header.units:
        if name not in machine.units:
            hint = f"{nearest(name, machine.units)} (the machine has {', '.join(machine.units)})"
            raise TraceError(f"{_first_of(trace, 'unit', header.units.index(name))}no unit `{name}`{hint}")
        if machine.units[name].tier not in setting.rules:
            raise ConfigError(f"tiers: `{machine.units[name].tier}` is missing: it is the near tier of {name}")
    for name in header.objects.tiers:
        if name not in machine.tiers:
            raise TraceError(_first_with(trace, header.objects.tiers.index(name)) + unknown_tier(name, machine.tiers))
        if name not in setting.rules:
            raise ConfigError(f"tiers: `{name}` is missing: the trace names it")


def _first_of(trace: Trace, column: str, number: int) -> str:
    """Return the name of the first operation with a number in a column, as the beginning of a message."""
    if not isinstance(trace, OperationTrace):
        return ""
    found = np.flatnonzero(getattr(trace.operations, column) == number)
    return f"operation {trace.label(int(found[0]))}: " if len(found) else ""


def _first_with(trace: Trace, tier: int) -> str:
    """Return the name of the first object or operation with a tier, as the beginning of a message."""
    objects = trace.header.objects
    found = np.flatnonzero((objects.home == tier) | (objects.start == tier))
    if len(found):
        return f"object {objects.name(int(found[0]))}: "
    return _first_of(trace, "source", tier) or _first_of(trace, "target", tier)


def produced(setting: Setting, trace: OperationTrace) -> None:
    """Check that every object that is read can come from somewhere.

    Raises:
        TraceError: one that no tier has at first, nothing can make, and no operation writes.
    """
    objects, operations = trace.objects, trace.operations
    known = [_comes_from_somewhere(setting.classes.get(name)) for name in objects.classes]
    first = (objects.home != NONE) | (objects.start != NONE) | (objects.flops > 0)
    there = (first | np.array(known, bool)[objects.object_class]).astype(np.uint8)
    piece = _scanned(setting, trace, operations)
    scan.mark_written(piece, there)
    use = int(scan.first_orphan(piece, there))
    if use >= 0:
        name, place = (
            objects.name(int(operations.uses[use])),
            int(np.searchsorted(operations.offsets, use, "right")) - 1,
        )
        what = f"object {name} is never produced: no operation writes it, no tier has it at first, nothing can make it"
        raise TraceError(f"operation {trace.label(place)}: {what}")


def _comes_from_somewhere(rules: ClassRules | None) -> bool:
    if rules is None:
        return False
    return rules.home is not None or rules.compute_time is not None or rules.flops_per_byte is not None


def _scanned(setting: Setting, trace: Trace, piece: Operations) -> tuple[Any, ...]:
    """Return what the compiled passes look at: offsets, reads, uses, action and near tier by operation."""
    order, units = list(setting.rules), setting.machine.units
    near = np.array([order.index(units[name].tier) for name in trace.header.units], np.int64)
    actions = np.array(trace.header.actions, np.uint8)
    return piece.offsets, piece.reads, piece.uses, actions[piece.kind], near[piece.unit]


def check_piece(setting: Setting, trace: Trace, piece: Operations, home: Any, start: int = 0) -> None:
    """Check number formats, and that what each operation needs near fits there.

    Args:
        setting: machine and rules.
        trace: the trace.
        piece: consecutive operations of it.
        home: the tier that is each object's home, -1 for none.
        start: the place of the first of them.

    Raises:
        TraceError: with the operation's name, and by how much it is too large.
    """
    _formats(setting, trace, piece, start)
    size, order = trace.objects.size, list(setting.rules)
    at_home = [int(size[home[: len(size)] == t].sum()) for t in range(len(order))]
    capacity = [rules.capacity or setting.machine.tiers[name].capacity for name, rules in setting.rules.items()]
    room = np.array(capacity, np.int64) - np.array(at_home, np.int64)
    scanned = _scanned(setting, trace, piece)
    i = int(scan.first_too_large(scanned, size, home, room))
    if i >= 0:
        near = int(scanned[4][i])
        mine = np.unique(piece.uses[piece.offsets[i] : piece.offsets[i + 1]])
        needed, free = int(size[mine[home[mine] != near]].sum()), int(room[near])
        what = f"its objects take {needed:,} bytes in {order[near]}, where {max(0, free):,} are free of what is at home"
        raise TraceError(f"operation {trace.label(start + i)}: {what}: {needed - free:,} bytes too many")


def _formats(setting: Setting, trace: Trace, piece: Operations, start: int) -> None:
    """Check that units compute in the number formats that operations ask for."""
    units = list(setting.machine.units)
    number = np.array([units.index(name) for name in trace.header.units])[piece.unit]
    computes = np.array(trace.header.actions)[piece.kind] == COMPUTE
    wrong = computes & (piece.flops > 0) & (costs(setting.machine)[number, piece.dtype] == 0.0)
    if wrong.any():
        i = int(np.argmax(wrong))
        unit = units[number[i]]
        has = ", ".join(setting.machine.units[unit].flops)
        what = f"{unit} does not compute in {DTYPES[piece.dtype[i]]}; it has {has}"
        raise TraceError(f"operation {trace.label(start + i)}: {what}")
