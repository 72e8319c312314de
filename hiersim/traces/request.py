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

PER_REQUEST = {"time_ps": np.int64, "prompt_tokens": np.int64, "output_tokens": np.int64, "session": np.int32}


class KvModel(Protocol):
    """What a model must tell so that blocks have bytes and FLOPs; ``hiersim.models.Model`` does."""

    name: str

    def kv_bytes_per_token(self, dtype: str = "bf16") -> int:
        """Return the bytes of keys and values that one token adds, all layers together."""

    def prefill_flops(self, start: NDArray[np.int64], tokens: int) -> NDArray[np.float64]:
        """Return the FLOPs to process ``tokens`` tokens after ``start`` tokens of context."""


@dataclass(frozen=True, eq=False)
class RequestTrace:
    """A sequence of requests to a language model; ``len()`` is the number of requests.

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

    def __post_init__(self) -> None:
        requests = len(self.time_ps)
        for key in PER_REQUEST:
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

    def __len__(self) -> int:
        return len(self.time_ps)

    @property
    def blocks_distinct(self) -> int:
        """The number of distinct prefix blocks."""
        return len(self.original_block_id)

    @property
    def duration_ps(self) -> int:
        """From the first arrival to the last, picoseconds."""
        return int(self.time_ps[-1] - self.time_ps[0]) if len(self) else 0

    @cached_property
    def _digest(self) -> str:
        digest = hashlib.sha256(str(self.block_tokens).encode())
        for key in (*PER_REQUEST, "block_offsets", "block_ids", "original_block_id"):
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
        """Return consecutive requests, with the blocks that they touch numbered anew."""
        if not isinstance(part, slice):
            raise TypeError("a trace is sliced, not indexed: trace[10:20]; its columns are arrays")
        begin, end, step = part.indices(len(self))
        if step != 1:
            raise TraceError("requests are sliced without a step")
        end = max(begin, end)
        columns = {key: getattr(self, key)[begin:end].copy() for key in PER_REQUEST}
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
        block before each one in the request that names it first.

        Args:
            model: gives each block its bytes and the FLOPs to recompute it; ``find_model`` knows many.
            dtype: how keys and values are stored, such as ``bf16`` or ``fp8``.
            block_bytes: bytes of a block instead of the model's; 1 if neither is given.

        Raises:
            TraceError: the requests name no prefix blocks, or the model is not a model.
        """
        from hiersim.traces.blocks import block_accesses

        return block_accesses(self, model, dtype, block_bytes)

    def to_polars(self) -> pl.DataFrame:
        """Return one row per request: time_ps, prompt_tokens, output_tokens, session, blocks (a list)."""
        from hiersim.traces.tables import request_frame

        return request_frame(self)

    @classmethod
    def from_polars(cls, frame: pl.DataFrame, *, block_tokens: int = 512, **about: Any) -> RequestTrace:
        """Make a trace from a table with the columns of ``to_polars``.

        Args:
            frame: one row per request; ``session`` and ``blocks`` may be absent.
            block_tokens: tokens in a block.
            about: ``name``, ``source``, ``format``, ``notes``.

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
