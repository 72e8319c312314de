"""What of a trace of operations does not fit a machine, said before the run; names, formats, homes, sizes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hiersim.drivers.execute.setup import Setting, Trace, costs, homes, plan_of
from hiersim.errors import ConfigError, TraceError, nearest
from hiersim.machine.machine import unknown_tier
from hiersim.traces.operation import COMPUTE, DTYPES, FETCH, NONE, Operations, OperationTrace


def check(setting: Setting, trace: Trace) -> None:
    """Check a trace against a machine and its rules.

    Raises:
        ConfigError: the rules say what operations do not know.
        TraceError: unknown units or tiers, an object from nowhere, an operation that is too large; with its name.
    """
    _rules(setting)
    _names(setting, trace)
    plan = plan_of(setting)
    if isinstance(trace, OperationTrace):
        produced(setting, trace)
        check_piece(setting, trace, trace.operations, homes(plan, trace, setting.classes))


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
            raise TraceError(unknown_tier(name, machine.tiers))
        if name not in setting.rules:
            raise ConfigError(f"tiers: `{name}` is missing: the trace names it")


def _first_of(trace: Trace, column: str, number: int) -> str:
    """Return the name of the first operation with a number in a column, as the beginning of a message."""
    if not isinstance(trace, OperationTrace):
        return ""
    found = np.flatnonzero(getattr(trace.operations, column) == number)
    return f"operation {trace.label(int(found[0]))}: " if len(found) else ""


def produced(setting: Setting, trace: OperationTrace) -> None:
    """Check that every object that is read can come from somewhere.

    Raises:
        TraceError: one that no tier has at first, nothing can make, and no operation writes.
    """
    objects, operations = trace.objects, trace.operations
    rules = [setting.classes.get(name) for name in objects.classes]
    by_class = [
        rule is not None and (rule.home or rule.compute_time or rule.flops_per_byte) is not None for rule in rules
    ]
    there = (
        (objects.home != NONE)
        | (objects.start != NONE)
        | (objects.flops > 0)
        | np.array(by_class)[objects.object_class]
    )
    there[operations.uses[_written(operations)]] = True
    row = np.repeat(np.arange(len(operations)), np.diff(operations.offsets))
    needs = np.isin(np.array(trace.header.actions)[operations.kind], (COMPUTE, FETCH))[row]
    wrong = np.flatnonzero(needs & ~there[operations.uses])
    if len(wrong):
        name = objects.name(int(operations.uses[wrong[0]]))
        what = f"object {name} is never produced: no operation writes it, no tier has it at first, nothing can make it"
        raise TraceError(f"operation {trace.label(int(row[wrong[0]]))}: {what}")


def _written(operations: Operations) -> Any:
    """Return which uses are writes, bool [uses]."""
    counts = np.diff(operations.offsets)
    place = np.arange(len(operations.uses)) - np.repeat(operations.offsets[:-1], counts)
    return place >= np.repeat(operations.reads, counts)


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
    machine, header = setting.machine, trace.header
    units = list(machine.units)
    number = np.array([units.index(name) for name in header.units])[piece.unit]
    actions = np.array(header.actions)[piece.kind]
    wrong = (actions == COMPUTE) & (piece.flops > 0) & (costs(machine)[number, piece.dtype] == 0.0)
    if wrong.any():
        i = int(np.argmax(wrong))
        unit = units[number[i]]
        has = ", ".join(machine.units[unit].flops)
        raise TraceError(
            f"operation {trace.label(start + i)}: {unit} does not compute in {DTYPES[piece.dtype[i]]}; it has {has}"
        )
    for i, needed, tier, room in _too_large(setting, trace, piece, home):
        what = f"its objects take {needed:,} bytes in {tier}, where {max(0, room):,} are free of what is at home there"
        raise TraceError(f"operation {trace.label(start + i)}: {what}: {needed - room:,} bytes too many")


def _too_large(setting: Setting, trace: Trace, piece: Operations, home: Any) -> Iterator[tuple[int, int, str, int]]:
    """Yield operations whose objects do not fit near: place, bytes, tier, room."""
    objects, order = trace.objects, list(setting.rules)
    actions = np.array(trace.header.actions)[piece.kind]
    near = np.array([order.index(setting.machine.units[name].tier) for name in trace.header.units])[piece.unit]
    row = np.repeat(np.arange(len(piece)), np.diff(piece.offsets))
    counted = objects.size[piece.uses] * (home[piece.uses] != near[row]) * np.isin(actions, (COMPUTE, FETCH))[row]
    needed = np.zeros(len(piece), np.int64)
    np.add.at(needed, row, counted)
    for t, name in enumerate(order):
        held = int(objects.size[home[: len(objects)] == t].sum())
        room = (setting.rules[name].capacity or setting.machine.tiers[name].capacity) - held
        for i in np.flatnonzero((near == t) & (needed > room)):
            first, last = piece.offsets[i : i + 2]  # an object that is named twice counts once
            mine = np.unique(piece.uses[first:last])
            exact = int(objects.size[mine[home[mine] != t]].sum())
            if exact > room:
                yield int(i), exact, name, room
