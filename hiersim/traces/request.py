"""Request traces: when a prompt arrives, how long it and its answer are, and which prefix blocks it shares."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import TraceError
from hiersim.traces.access import AccessTrace

if TYPE_CHECKING:
    import polars as pl

    from hiersim.traces.arrivals import ArrivalProcess

PER_REQUEST = {"time_ps": np.int64, "prompt_tokens": np.int64, "output_tokens": np.int64, "session": np.int32}
CLOSED_LOOP = {"after": np.int32, "think_ps": np.int64}
NOT_GIVEN: Any = np.empty(0, np.int64)


class KvModel(Protocol):
    """What a model must tell so that blocks have bytes and FLOPs; ``hiersim.models.Model`` does."""

    @property
    def name(self) -> str:
        """What the model is called."""

    def kv_bytes_per_token(self, dtype: str = "bf16") -> int:
        """Return the bytes of keys and values that one token adds, all layers together."""

    def prefill_flops(self, start: NDArray[np.int64], tokens: int) -> NDArray[np.float64]:
        """Return the FLOPs to process ``tokens`` tokens after ``start`` tokens of context."""


@dataclass(frozen=True, eq=False)
class RequestTrace:
    """A sequence of requests to a language model; ``len()`` is the number of requests.

    A request may wait for the answer to an earlier one (``after``) and some time more (``think_ps``). ``time_ps`` is
    when it arrived in the source, or would arrive if answers took what the source assumed.

    Attributes:
        time_ps: int64 [requests], arrival, never decreasing, picoseconds since the first.
        prompt_tokens: int64 [requests].
        output_tokens: int64 [requests].
        session: int32 [requests], the conversation; -1 where the source names none.
        block_offsets: int64 [requests + 1], request r holds ``block_ids[block_offsets[r]:block_offsets[r + 1]]``.
        block_ids: int32 [blocks touched], dense numbers of prefix blocks, each request's in prompt order.
        original_block_id: int64 or uint64 [blocks], the hashes of the source.
        block_tokens: tokens in a block; the last of a prompt may be partly filled. 0 where there are no blocks.
        name: a short name, such as the file's.
        source: where it came from: a path, or the generator and its parameters.
        format: the format that was read, or ``generated``.
        notes: what a reader of results should know about it, one sentence each.
        after: int32 [requests], the earlier request whose answer it waits for; -1 for none, as where not given.
        think_ps: int64 [requests], time from that answer to this arrival, picoseconds; 0 where not given.
        chained: whether a block stands for all that is before it too, so that it is of use only behind it; else it
            stands for its own tokens, at any place in a prompt.
    """

    time_ps: NDArray[np.int64]
    prompt_tokens: NDArray[np.int64]
    output_tokens: NDArray[np.int64]
    session: NDArray[np.int32]
    block_offsets: NDArray[np.int64]
    block_ids: NDArray[np.int32]
    original_block_id: NDArray[Any]
    block_tokens: int = 512
    name: str = "requests"
    source: str = ""
    format: str = "memory"
    notes: tuple[str, ...] = field(default=())
    after: NDArray[np.int32] = field(default_factory=lambda: NOT_GIVEN)
    think_ps: NDArray[np.int64] = field(default_factory=lambda: NOT_GIVEN)
    chained: bool = True

    def __post_init__(self) -> None:
        requests = len(self.time_ps)
        for key, without in (("after", -1), ("think_ps", 0)):
            if getattr(self, key) is NOT_GIVEN:
                object.__setattr__(self, key, np.full(requests, without, CLOSED_LOOP[key]))
        for key in PER_REQUEST | CLOSED_LOOP:
            if getattr(self, key).shape != (requests,):
                raise TraceError(f"column `{key}` has shape {getattr(self, key).shape}, expected ({requests},)")
        offsets = self.block_offsets
        if len(offsets) != requests + 1 or offsets[0] != 0 or offsets[-1] != len(self.block_ids):
            raise TraceError(
                "block_offsets must run from 0 to the number of block_ids, with one entry more than requests"
            )
        if (offsets[1:] < offsets[:-1]).any():
            raise TraceError("block_offsets may not decrease")
        if requests and (self.time_ps[0] < 0 or (self.time_ps[1:] < self.time_ps[:-1]).any()):
            raise TraceError("time_ps must start at 0 or later and never decrease")
        if requests and min(self.prompt_tokens.min(), self.output_tokens.min()) < 0:
            raise TraceError("prompt_tokens and output_tokens may not be negative")
        if len(self.block_ids) and not (self.block_ids.min() >= 0 and self.block_ids.max() < self.blocks_distinct):
            raise TraceError(f"block numbers run from 0 to {self.blocks_distinct - 1}")
        self._check_waits()

    def _check_waits(self) -> None:
        """Raise TraceError for a request that waits for none before it, or for a negative time."""
        wrong = (self.after < -1) | (self.after >= np.arange(len(self))) | (self.think_ps < 0)
        if wrong.any():
            i = int(np.argmax(wrong))
            what = f"after {self.after[i]}, think_ps {self.think_ps[i]}"
            raise TraceError(f"request {i} waits for an earlier one (or -1) and no negative time, got {what}")

    def __len__(self) -> int:
        return len(self.time_ps)

    @property
    def blocks_distinct(self) -> int:
        """The number of distinct prefix blocks."""
        return len(self.original_block_id)

    @property
    def closed_loop(self) -> bool:
        """Whether any request waits for the answer to another."""
        return bool((self.after >= 0).any())

    @property
    def duration_ps(self) -> int:
        """From the first arrival to the last, picoseconds."""
        return int(self.time_ps[-1] - self.time_ps[0]) if len(self) else 0

    @cached_property
    def _digest(self) -> str:
        digest = hashlib.sha256(str(self.block_tokens).encode())
        told = (*PER_REQUEST, *(CLOSED_LOOP if self.closed_loop else ()))
        for key in (*told, "block_offsets", "block_ids", "original_block_id", *(() if self.chained else ("chained",))):
            column = np.ascontiguousarray(getattr(self, key))
            digest.update(f"{key}:{column.dtype.str}:{len(column)}\0".encode() + column.tobytes())
        return digest.hexdigest()

    def fingerprint(self) -> str:
        """Return the SHA-256 of all columns as 64 hexadecimal digits; names, source and notes do not count."""
        return self._digest

    def with_about(self, **about: Any) -> RequestTrace:
        """Return the same columns with another ``name``, ``source``, ``format`` or ``notes``."""
        return replace(self, **about)

    def limit(self, requests: int) -> RequestTrace:
        """Return the first ``requests`` requests."""
        return self[:requests]

    def __getitem__(self, part: slice) -> RequestTrace:
        """Return consecutive requests, with the blocks that they touch numbered anew.

        A request that waited for one outside of them waits for none any more.
        """
        if not isinstance(part, slice):
            raise TypeError("a trace is sliced, not indexed: trace[10:20]; its columns are arrays")
        begin, end, step = part.indices(len(self))
        if step != 1:
            raise TraceError("requests are sliced without a step")
        end = max(begin, end)
        columns = {key: getattr(self, key)[begin:end].copy() for key in PER_REQUEST | CLOSED_LOOP}
        columns["after"] = np.maximum(columns["after"] - np.int32(begin), -1)
        offsets = self.block_offsets[begin : end + 1]
        columns["block_ids"] = self.block_ids[offsets[0] : offsets[-1]]
        return replace(self, block_offsets=offsets - offsets[0], **columns).compact()

    def compact(self) -> RequestTrace:
        """Number the blocks by first appearance and drop those that are never touched."""
        from hiersim.traces.ids import Numbering

        numbers, first = Numbering().add(self.block_ids.astype(np.int64))
        return replace(self, block_ids=numbers, original_block_id=self.original_block_id[self.block_ids[first]])

    def blocks(
        self, model: KvModel | None = None, *, dtype: str = "bf16", block_bytes: int | None = None
    ) -> AccessTrace:
        """Return the accesses to prefix blocks: each request reads its blocks in order, at its arrival.

        An object is a block of class ``kv``; its bytes are those of ``block_tokens`` tokens of the model, also where a
        prompt fills its last block only partly. ``group`` and ``stream`` are the request's number; ``parents`` has the
        block before each one in the request that names it first, where blocks are chained.

        Args:
            model: gives each block its bytes and the FLOPs to recompute it; ``find_model`` knows many.
            dtype: how keys and values are stored, such as ``bf16`` or ``fp8``.
            block_bytes: bytes of a block instead of the model's; 1 if neither is given.

        Raises:
            TraceError: the requests name no prefix blocks, or the model is not a model.
        """
        from hiersim.traces.blocks import block_accesses

        return block_accesses(self, model, dtype, block_bytes)

    def scaled(self, rate: float = 1.0, length: float = 1.0) -> RequestTrace:
        """Return the same requests, ``rate`` times as many a second, their texts ``length`` times as long.

        Think times stay. Blocks are scaled with the texts, so that what was shared is shared.

        Raises:
            ConfigError: a factor that is not positive and finite.
        """
        from hiersim.traces.scaling import scaled

        return scaled(self, rate, length)

    def arriving(self, arrivals: str | ArrivalProcess, seed: int = 0) -> RequestTrace:
        """Return the same requests with arrivals drawn anew, in the order of the new arrivals.

        Requests that wait for an answer follow as long after the one that they wait for as before.

        Args:
            arrivals: ``poisson:rate=4`` (a second), ``gamma:rate=4,cv=2``, ``weibull:rate=4,cv=2`` or
                ``constant:rate=4``.
            seed: the same seed gives the same arrivals.

        Raises:
            ConfigError: no such process, or a number that is out of bounds.
        """
        from hiersim.traces.arrivals import arriving

        return arriving(self, arrivals, seed)

    def to_polars(self) -> pl.DataFrame:
        """Return one row per request: time_ps, prompt_tokens, output_tokens, session, blocks (a list).

        Where requests wait for others, also after and think_ps.
        """
        from hiersim.traces.tables import request_frame

        return request_frame(self)

    @classmethod
    def from_polars(cls, frame: pl.DataFrame, *, block_tokens: int = 512, **about: Any) -> RequestTrace:
        """Make a trace from a table with the columns of ``to_polars``.

        Args:
            frame: one row per request; ``session``, ``after``, ``think_ps`` and ``blocks`` may be absent.
            block_tokens: tokens in a block.
            about: ``name``, ``source``, ``format``, ``notes``, ``chained``.

        Raises:
            TraceError: a column is missing, or holds something impossible.
        """
        from hiersim.traces.tables import request_from_frame

        return request_from_frame(frame, block_tokens=block_tokens, **about)

    def __repr__(self) -> str:
        from hiersim.traces.show import line

        return line(self)

    def _repr_html_(self) -> str:
        from hiersim.traces.show import page

        return page(self)
