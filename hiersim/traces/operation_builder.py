"""Building operation traces: one operation at a time by names, or from pieces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from hiersim.errors import TraceError, nearest
from hiersim.traces.operation import (
    ACTIONS,
    DTYPES,
    NONE,
    PER_OBJECT,
    PER_OPERATION,
    Header,
    Objects,
    Operations,
    OperationTrace,
)
from hiersim.traces.operation_columns import last_uses, stream_units


class Names:
    """Names and their numbers, in order of appearance."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.numbers: dict[str, int] = {name: i for i, name in enumerate(names)}

    def number(self, name: str | None) -> int:
        """Return a name's number, a new one if need be; -1 for none."""
        return NONE if name is None else self.numbers.setdefault(name, len(self.numbers))

    def __iter__(self) -> Any:
        return iter(self.numbers)


class OperationBuilder:
    """Collects objects and operations; ``build`` makes the trace.

    Args:
        name: of the trace.
        ordered: whether what is read comes after the operation that wrote it last, and what is written after that one
            and those that have read it since, also where they are in other streams and ``after`` does not say so.
    """

    def __init__(self, name: str = "operations", ordered: bool = True) -> None:
        self.name, self.ordered = name, ordered
        self._writer: dict[int, int] = {}
        self._readers: dict[int, list[int]] = {}
        self._objects: dict[str, list[Any]] = {key: [] for key in (*PER_OBJECT, "name", "kept")}
        self._columns: dict[str, list[Any]] = {key: [] for key in (*PER_OPERATION, "name")}
        self._kinds: dict[str, int] = {}
        self._places: dict[str, int] = {}  # of each kind, in order of appearance
        self._tiers, self._classes, self._units, self._streams = Names(), Names(), Names(), Names()
        self._uses: list[int] = []
        self._bytes: list[int] = []
        self._after: list[int] = []
        self._ends: tuple[list[int], list[int]] = ([0], [0])

    def __len__(self) -> int:
        return len(self._columns["kind"])

    def object(
        self,
        size: int,
        object_class: str = "tensor",
        *,
        home: str | None = None,
        start: str | None = None,
        kept: bool = False,
        flops: float = 0.0,
        name: str | None = None,
    ) -> int:
        """Add an object and return its number.

        Args:
            size: bytes.
            object_class: its class, such as ``weight``.
            home: the tier that always has it.
            start: the tier that has it at time 0.
            kept: it stays after its last use.
            flops: FLOPs to make it again where it is lost; 0: nothing can.
            name: what messages call it.
        """
        row = self._objects
        row["size"].append(size)
        row["object_class"].append(self._classes.number(object_class))
        row["home"].append(self._tiers.number(home))
        row["start"].append(self._tiers.number(start))
        row["flops"].append(flops)
        row["kept"].append(kept or home is not None)
        row["name"].append(name)
        return len(row["size"]) - 1

    def objects(
        self,
        sizes: Sequence[int],
        object_class: str = "tensor",
        *,
        home: str | None = None,
        starts: Sequence[str | None] = (),
    ) -> int:
        """Add many objects of a class without names and return the number of the first; the others follow.

        Args:
            sizes: bytes of each.
            object_class: their class.
            home: the tier that always has them.
            starts: for each the tier that has it at time 0; empty: none has any.
        """
        row, count = self._objects, len(sizes)
        row["size"] += sizes
        row["object_class"] += [self._classes.number(object_class)] * count
        row["home"] += [self._tiers.number(home)] * count
        row["start"] += [self._tiers.number(start) for start in starts] if starts else [NONE] * count
        row["flops"] += [0.0] * count
        row["kept"] += [home is not None] * count
        row["name"] += [None] * count
        return len(row["size"]) - count

    def add(
        self,
        kind: str,
        *,
        unit: str,
        stream: str | None = None,
        action: str = "compute",
        reads: Sequence[int | tuple[int, int]] = (),
        writes: Sequence[int | tuple[int, int]] = (),
        after: Sequence[int] = (),
        name: str | None = None,
        **work: Any,
    ) -> int:
        """Add an operation and return its place.

        Args:
            kind: what reports call operations of this sort; all of a kind have one action.
            unit: who computes, or near whom copies begin or end.
            stream: its queue; the unit's own when absent.
            action: one of ``ACTIONS``.
            reads: numbers of objects, or (number, bytes of it that are read).
            writes: the same of objects that it writes.
            after: places of the operations that it comes after.
            name: what messages call it.
            work: further columns of ``Operations``: ``flops``, ``dtype`` (a name), ``duration_ps``, ``near_read``,
                ``near_written``, ``near_class``, ``source``, ``target`` (names).

        Raises:
            TraceError: an unknown action, number format or figure.
        """
        place = len(self._columns["kind"])
        row = {
            "kind": self._kind(kind, action),
            "unit": self._units.number(unit),
            "stream": self._streams.number(unit if stream is None else stream),
            "flops": int(work.pop("flops", 0)),
            "dtype": _one_of(work.pop("dtype", "fp16"), DTYPES, "number format"),
            "duration_ps": work.pop("duration_ps", NONE),
            "near_read": work.pop("near_read", 0),
            "near_written": work.pop("near_written", 0),
            "near_class": self._classes.number(work.pop("near_class", None) or next(iter(self._classes), "tensor")),
            "source": self._tiers.number(work.pop("source", None)),
            "target": self._tiers.number(work.pop("target", None)),
            "reads": len(reads),
            "name": name,
        }
        for strange in work:
            raise TraceError(f"operation {name or kind}: no column `{strange}`{nearest(strange, row)}")
        for key, value in row.items():
            self._columns[key].append(value)
        for use in (*reads, *writes):
            number, amount = use if isinstance(use, tuple) else (use, self._objects["size"][use])
            self._uses.append(number)
            self._bytes.append(amount)
        self._after += self._in_order(place, after, len(reads))
        self._ends[0].append(len(self._uses))
        self._ends[1].append(len(self._after))
        return place

    def add_each(self, kind: str, reads: Sequence[int], flops: Sequence[int], **work: Any) -> int:
        """Add operations alike in one stream, each of which reads one object; return the place of the last.

        Args:
            kind: what reports call them.
            reads: the object of each, at least one.
            flops: FLOPs of each.
            work: unit, stream and further columns, as of ``add``; the order of objects is not looked after.
        """
        place = self.add(kind, reads=[reads[0]], flops=flops[0], **work)
        count, sizes = len(reads) - 1, self._objects["size"]
        for key, column in self._columns.items():
            column += flops[1:] if key == "flops" else [column[place]] * count
        self._uses += reads[1:]
        self._bytes += [sizes[number] for number in reads[1:]]
        uses, after = self._ends
        uses += range(uses[-1] + 1, uses[-1] + 1 + count)
        after += [after[-1]] * count
        return place + count

    def _in_order(self, place: int, after: Sequence[int], reads: int) -> list[int]:
        """Return what an operation comes after, with those whose objects it touches, each once, ascending."""
        if not self.ordered:
            return sorted(set(after))
        before = set(after)
        for at, key in enumerate(self._uses[self._ends[0][-1] :]):
            before.update([self._writer[key]] if key in self._writer else [])
            if at < reads:
                self._readers.setdefault(key, []).append(place)
            else:
                before.update(self._readers.pop(key, []))
                self._writer[key] = place
        streams = self._columns["stream"]
        implied = {other for other in before - set(after) if streams[other] == streams[place]}
        return sorted((before - implied - {place}) | set(after))

    def _kind(self, kind: str, action: str) -> int:
        number = _one_of(action, ACTIONS, "action")
        self._places.setdefault(kind, len(self._places))
        if self._kinds.setdefault(kind, number) != number:
            raise TraceError(f"operations of kind {kind} have two actions, {ACTIONS[self._kinds[kind]]} and {action}")
        return self._places[kind]

    def build(self) -> OperationTrace:
        """Return the trace; objects without a home that are not kept end after their last use.

        Raises:
            TraceError: it says something impossible, with the operation's name.
        """
        columns: dict[str, Any] = {key: _column(self._columns[key], kind, key) for key, kind in PER_OPERATION.items()}
        uses, amounts = np.array(self._uses, np.int32), np.array(self._bytes, np.int64)
        objects = self._made_objects(uses)
        whole = bool(len(uses) == 0 or (amounts == objects.size[uses]).all())
        operations = Operations(
            **columns,
            offsets=np.array(self._ends[0], np.int64),
            uses=uses,
            after_offsets=np.array(self._ends[1], np.int64),
            after=np.array(self._after, np.int64),
            use_bytes=None if whole else amounts,
        )
        actions = tuple(self._kinds.values())
        streams = tuple(self._streams)
        header = Header(
            objects,
            tuple(self._kinds),
            actions,
            tuple(self._units),
            streams,
            stream_units(operations, actions, len(streams)),
            self.name,
        )
        names = self._columns["name"]
        return OperationTrace(header, operations, _named(names, lambda i: f"{header.kinds[columns['kind'][i]]} #{i}"))

    def _made_objects(self, uses: Any) -> Objects:
        rows, count = self._objects, len(self._objects["size"])
        rows["last_use"] = last_uses(np.array(self._ends[0]), uses, count).tolist()
        columns: dict[str, Any] = {key: _column(rows[key], kind, key) for key, kind in PER_OBJECT.items()}
        columns["last_use"][np.array(rows["kept"], bool)] = NONE
        names = _named(rows["name"], lambda i: f"#{i}")
        return Objects(**columns, classes=tuple(self._classes) or ("tensor",), tiers=tuple(self._tiers), names=names)


def _column(values: list[Any], kind: Any, key: str) -> Any:
    try:
        return np.array(values, kind)
    except (OverflowError, ValueError, TypeError) as why:
        raise TraceError(f"column `{key}`: {why}") from None


def _named(names: list[str | None], otherwise: Any) -> tuple[str, ...]:
    """Return the names, if there are any; those without one get theirs from ``otherwise``."""
    if not any(names):
        return ()
    return tuple(otherwise(i) if name is None else name for i, name in enumerate(names))


def _one_of(word: str, words: tuple[str, ...], what: str) -> int:
    if word not in words:
        raise TraceError(f"unknown {what} `{word}`{nearest(word, words)} (one of {', '.join(words)})")
    return words.index(word)
