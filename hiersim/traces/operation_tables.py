"""Operation traces from Parquet, whoever wrote it: the two tables of `operation_files` become columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hiersim.errors import TraceError, nearest
from hiersim.traces.files import check
from hiersim.traces.operation import ACTIONS, DTYPES, NONE, Header, Objects, Operations, OperationTrace
from hiersim.traces.operation_builder import Names
from hiersim.traces.operation_columns import last_uses, stream_units
from hiersim.traces.operation_files import COLUMNS, KEY, NUMBERS, OF_OBJECTS, OTHERWISE, VERSION, objects_path

if TYPE_CHECKING:
    import polars as pl


def read_operations(path: Path) -> OperationTrace:
    """Read a trace from its two files.

    Raises:
        TraceError: they cannot be read, a column is missing, an id is unknown; what the operations say is impossible.
    """
    frame, beside = _read(path, COLUMNS), objects_path(path)
    objects = _read(beside, OF_OBJECTS) if beside.exists() else None
    return _Reader(path, frame, objects).trace()


def _read(path: Path, known: tuple[str, ...]) -> pl.DataFrame:
    import polars as pl

    check(path)
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as why:
        raise TraceError(f"{path}: not a readable Parquet file: {str(why).splitlines()[0][:160]}") from None
    for name in frame.columns:
        if name not in known:
            raise TraceError(f"{path}: unknown column `{name}`{nearest(name, known)}")
    return frame


class _Reader:
    """Turns the two tables into columns."""

    def __init__(self, path: Path, frame: pl.DataFrame, objects: pl.DataFrame | None) -> None:
        self.path, self.frame, self.objects = path, frame, objects
        for name in ("kind", "unit"):
            if name not in frame.columns:
                raise TraceError(f"{path}: no column `{name}`{nearest(name, frame.columns)}")
        note = self._noted()
        self.kinds, self.units, self.streams = (Names(note.get(n, ())) for n in ("kinds", "units", "streams"))
        self.classes, self.tiers = Names(note.get("classes", ())), Names(note.get("tiers", ()))
        self.note = note

    def _noted(self) -> dict[str, Any]:
        import polars as pl

        note = pl.read_parquet_metadata(self.path).get(KEY)
        found: dict[str, Any] = json.loads(note) if note else {}
        if found.get("version", VERSION) > VERSION:
            raise TraceError(f"{self.path}: written by a later hiersim (version {found['version']})")
        return found

    def trace(self) -> OperationTrace:
        """Return the trace."""
        count = len(self.frame)
        keys = self._ids(self.objects) if self.objects is not None else {}
        size = self._column(self.objects, "size", len(keys), np.int64, 0)
        reads, writes = self._list("reads"), self._list("writes")
        uses, offsets, amounts = self._uses(reads, writes, keys, size)
        columns: dict[str, Any] = {name: self._numbers(name, np.int64) for name in NUMBERS}
        columns |= {"unit": self._number("unit", self.units, np.int16), "dtype": self._dtypes()}
        streams = self._texts("stream") if "stream" in self.frame.columns else self._texts("unit")
        columns["stream"] = self._named(streams, self.streams, np.int32)
        columns["source"] = self._number("source", self.tiers, np.int16)
        columns["target"] = self._number("target", self.tiers, np.int16)
        kinds, actions = self._kinds()
        objects = self._objects(size, offsets, uses)
        columns["near_class"] = self._near_classes()
        objects = self._with_classes(objects)
        places = self._ids(self.frame)
        after, ends = self._numbered(self._list("after"), places, "comes after")
        operations = Operations(
            kind=kinds,
            reads=np.array([len(row) for row in reads], np.int32),
            offsets=offsets,
            uses=uses,
            use_bytes=amounts,
            after=after,
            after_offsets=ends,
            **columns,
        )
        header = Header(
            objects,
            tuple(self.kinds),
            actions,
            tuple(self.units),
            tuple(self.streams),
            stream_units(operations, actions, len(list(self.streams))),
            self.path.name.removesuffix(".parquet"),
            str(self.path),
            "parquet",
            tuple(self.note.get("notes", ())),
        )
        named = self.frame["id"].dtype == _text() if "id" in self.frame.columns else False
        return OperationTrace(header, operations, tuple(map(str, places)) if named and count else ())

    def _ids(self, frame: pl.DataFrame) -> dict[Any, int]:
        if "id" not in frame.columns:
            return {i: i for i in range(len(frame))}
        ids = {key: i for i, key in enumerate(frame["id"].to_list())}
        if len(ids) < len(frame):
            twice = frame["id"].filter(frame["id"].is_duplicated())[0]
            raise TraceError(f"{self.path}: operation or object {twice}: there are two of this id")
        return ids

    def _texts(self, name: str) -> list[str | None]:
        if name not in self.frame.columns:
            return [OTHERWISE.get(name)] * len(self.frame)  # type: ignore[list-item]
        return [None if value is None else str(value) for value in self.frame[name].to_list()]

    def _named(self, words: list[str | None], names: Names, kind: Any) -> Any:
        return np.array([names.number(word) for word in words], kind)

    def _number(self, name: str, names: Names, kind: Any) -> Any:
        return self._named(self._texts(name), names, kind)

    def _numbers(self, name: str, kind: Any) -> Any:
        return self._column(self.frame, name, len(self.frame), kind, OTHERWISE[name])

    def _column(self, frame: pl.DataFrame | None, name: str, count: int, kind: Any, otherwise: Any) -> Any:
        if frame is None or name not in frame.columns:
            return np.full(count, otherwise, kind)
        try:
            return frame[name].fill_null(otherwise).to_numpy().astype(kind, casting="same_kind").copy()
        except (TypeError, ValueError):
            raise TraceError(f"{self.path}: column `{name}` holds {frame[name].dtype}, expected numbers") from None

    def _dtypes(self) -> Any:
        words = [word or "fp16" for word in self._texts("dtype")]
        strange = next((word for word in words if word not in DTYPES), None)
        if strange is not None:
            raise TraceError(f"{self.path}: unknown number format `{strange}`{nearest(strange, DTYPES)}")
        return np.array([DTYPES.index(word) for word in words], np.uint8)

    def _kinds(self) -> tuple[Any, tuple[int, ...]]:
        kinds = self._number("kind", self.kinds, np.int64)
        actions = dict(enumerate(self.note.get("actions", ())))
        for kind, word in zip(kinds.tolist(), self._texts("action"), strict=True):
            if word not in ACTIONS:
                raise TraceError(f"{self.path}: unknown action `{word}`{nearest(str(word), ACTIONS)}")
            if actions.setdefault(kind, ACTIONS.index(word)) != ACTIONS.index(word):
                raise TraceError(f"{self.path}: operations of kind {list(self.kinds)[kind]} have two actions")
        return kinds.astype(np.uint16), tuple(actions[i] for i in range(len(list(self.kinds))))

    def _near_classes(self) -> Any:
        first = next(iter(self.classes), "tensor")
        words = [word or first for word in self._texts("near_class")]
        return self._named(words, self.classes, np.uint8)

    def _list(self, name: str) -> list[list[Any]]:
        if name not in self.frame.columns:
            return [[]] * len(self.frame)
        return [row or [] for row in self.frame[name].to_list()]

    def _numbered(self, rows: list[list[Any]], numbers: dict[Any, int], what: str) -> tuple[Any, Any]:
        """Return the numbers of ids, row after row, and where each row ends."""
        try:
            flat = [numbers[key] for row in rows for key in row]
        except KeyError as why:
            row = next(i for i, row in enumerate(rows) if why.args[0] in row)
            raise TraceError(
                f"{self.path}: operation {self._label(row)} {what} `{why.args[0]}`, which is no id"
            ) from None
        ends = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        return np.array(flat, np.int64), ends

    def _label(self, row: int) -> Any:
        return self.frame["id"][row] if "id" in self.frame.columns else f"#{row}"

    def _uses(self, reads: Any, writes: Any, keys: dict[Any, int], size: Any) -> tuple[Any, Any, Any]:
        both = [[*one, *other] for one, other in zip(reads, writes, strict=True)]
        uses, offsets = self._numbered(both, keys, "names object")
        if "read_bytes" not in self.frame.columns and "written_bytes" not in self.frame.columns:
            return uses.astype(np.int32), offsets, None
        given = [
            (
                self._list(name) if name in self.frame.columns else [[size[keys[key]] for key in row] for row in rows],
                rows,
            )
            for name, rows in (("read_bytes", reads), ("written_bytes", writes))
        ]
        for amounts, rows in given:
            for i, (one, other) in enumerate(zip(amounts, rows, strict=True)):
                if len(one) != len(other):
                    raise TraceError(f"{self.path}: operation {self._label(i)}: bytes are not given for each object")
        flat = [n for one, other in zip(given[0][0], given[1][0], strict=True) for n in (*one, *other)]
        return uses.astype(np.int32), offsets, np.array(flat, np.int64)

    def _objects(self, size: Any, offsets: Any, uses: Any) -> Objects:
        frame, count = self.objects, len(size)

        def numbered(name: str, names: Names, kind: Any, otherwise: str | None) -> Any:
            column = frame[name].to_list() if frame is not None and name in frame.columns else [None] * count
            return np.array([names.number(otherwise if word is None else word) for word in column], kind)

        last = last_uses(offsets, uses, count)
        home = numbered("home", self.tiers, np.int16, None)
        named = frame is not None and "id" in frame.columns and frame["id"].dtype == _text()
        return Objects(
            size=size,
            object_class=numbered("class", self.classes, np.uint8, "tensor"),
            home=home,
            start=numbered("start", self.tiers, np.int16, None),
            last_use=self._column(frame, "last_use", count, np.int64, 0)
            if frame is not None and "last_use" in frame.columns
            else np.where(home == NONE, last, NONE),
            flops=self._column(frame, "flops", count, np.float64, 0.0),
            classes=tuple(self.classes) or ("tensor",),
            tiers=tuple(self.tiers),
            names=tuple(frame["id"].to_list()) if named and frame is not None else (),
        )

    def _with_classes(self, objects: Objects) -> Objects:
        """Return the objects with the names of all classes and tiers, now that all columns have been read."""
        from dataclasses import replace

        return replace(objects, classes=tuple(self.classes) or ("tensor",), tiers=tuple(self.tiers))


def _text() -> Any:
    import polars as pl

    return pl.String
