"""The operations of FlexGen's steps: copies of weights, cache and activations, and what a part computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hiersim.models import Model
from hiersim.traces.operation_builder import OperationBuilder
from hiersim.workloads.flexgen_attention import attend
from hiersim.workloads.transformer import ATTENTION, EMBEDDING, HEAD, Part

if TYPE_CHECKING:
    from hiersim.workloads.flexgen import FlexGenParameters

HALF = 2
"""Bytes of a number in fp16, in which all is stored and sent."""


@dataclass(frozen=True)
class Places:
    """The objects of a run.

    Attributes:
        parts: of the model.
        weights: of each part its tensors' numbers with the tiers that they are at home in.
        cache: numbers of keys and values by (layer, batch, tier).
    """

    parts: tuple[Part, ...]
    weights: list[list[tuple[int, str]]]
    cache: dict[tuple[int, int, str], int]


class Steps:
    """Adds operations to a trace; all that is added before a ``sync`` runs side by side, by streams.

    Attributes:
        token: the token of every sequence that is made now; 0 is the first, after the prompt.
    """

    def __init__(self, p: FlexGenParameters, builder: OperationBuilder, places: Places, model: Model) -> None:
        self.p, self.builder, self.places, self.parts = p, builder, places, places.parts
        self.hidden = model.hidden
        self.model, self.kv = model, HALF * model.kv_values_per_layer  # bytes of a token and layer
        self.token = 0
        self.step: dict[str, int] = {}  # the last operation of each stream
        self.barrier: dict[str, int] = {}  # those of the step before
        rest_cache, rest_act = 100 - p.cache_gpu - p.cache_cpu, 100 - p.act_gpu - p.act_cpu
        self.cache_away = [
            (tier, share / 100) for tier, share in ((p.host, p.cache_cpu), (p.disk, rest_cache)) if share
        ]
        self.act_away = [(tier, share / 100) for tier, share in ((p.host, p.act_cpu), (p.disk, rest_act)) if share]

    # where a step is

    def next_of(self, j: int, k: int) -> tuple[int, int]:
        """Return the part and batch of the step after this one; the part is beyond the last behind the last step."""
        return (j, k + 1) if k + 1 < self.p.gpu_batches else (j + 1, 0)

    def before(self, j: int, k: int) -> tuple[int, int]:
        """Return the part and batch of the step before this one; the part is -1 ahead of the first step."""
        return (j, k - 1) if k else (j - 1, self.p.gpu_batches - 1)

    @property
    def tokens(self) -> int:
        """Tokens of each sequence that a step computes."""
        return 1 if self.token else self.p.prompt

    @property
    def context(self) -> int:
        """Tokens that a sequence has when the step is over."""
        return self.p.prompt + self.token

    # operations

    def add(self, kind: str, stream: str, **work: Any) -> None:
        """Add an operation to a stream, which comes after the last step."""
        waits = [] if stream in self.step else [place for other, place in self.barrier.items() if other != stream]
        waits += work.pop("after", ())
        unit = work.pop("unit", self.p.gpu)
        self.step[stream] = self.builder.add(kind, unit=unit, stream=stream, after=waits, **work)

    def sync(self) -> None:
        """End a step: what is added from now on comes after all that was added."""
        self.barrier, self.step = self.step, {}

    def weights(self, j: int) -> None:
        """Load what of a part's weights is not on the GPU; behind the last part comes the first, of the next token."""
        j %= len(self.parts)
        away = [number for number, home in self.places.weights[j] if home != self.p.near]
        if away:
            self.add("load_weight", "weights", action="fetch", reads=away, after=self._pinned(j))

    def _pinned(self, j: int) -> list[int]:
        """Copy a part's weights on the CPU to memory that can be sent, if they do not lie there; return its place."""
        rows = zip(self.places.weights[j], self.parts[j].tensors, strict=True)
        reads = [(number, HALF * tensor.numbers) for (number, home), tensor in rows if home == self.p.host]
        if self.p.pin_weights or not reads:
            return []
        amount = sum(size for _, size in reads)
        passes, copies = round(self.p.pin_passes * amount), round(self.p.pin_copies * amount)
        return [self._on_cpu("pin_weight", reads, "weight", (passes, copies))]

    def free(self, j: int) -> None:
        """Drop what was loaded of a part's weights."""
        away = [number for number, home in self.places.weights[j] if home != self.p.near]
        if away:
            self.add("free_weight", "compute", action="drop", reads=away)

    def copy(
        self, kind: str, stream: str, amount: float, way: tuple[str, str], what: str, after: Sequence[int] = ()
    ) -> None:
        """Copy bytes of a class from tier to tier, the two of ``way``, after some operations of the same step."""
        if round(amount):
            work = {"action": "carry", "near_read": round(amount), "near_class": what}
            self.add(kind, stream, source=way[0], target=way[1], after=after, **work)

    def load_cache(self, j: int, k: int) -> None:
        """Bring the keys and values of a part and batch to where attention reads them."""
        token, j = (self.token + 1, 0) if j == len(self.parts) else (self.token, j)
        if token == 0 or self.parts[j].kind != ATTENTION:
            return
        for tier, share in self.cache_away:
            each, tokens = round(share * self.kv) * self.p.gpu_batch, self.p.prompt + token - 1
            kept = self.places.cache.get((self.parts[j].layer, k, tier))
            reads = [] if kept is None else [(kept, each * tokens)]
            if tier == self.p.host and self.p.cpu_attention:
                passes, copies = round(self.p.fill_passes * each), round(self.p.fill_copies * each)
                self._on_cpu("fill_cache", reads, "kv", (passes * tokens, copies * tokens))
            elif tier == self.p.host:
                self._send((each // 2, each - each // 2), tokens, kept)
            else:
                target = self.p.host if self.p.cpu_attention else self.p.near
                self.copy("load_cache", "load_cache", each * tokens, (tier, target), "kv")

    def _on_cpu(self, kind: str, reads: list[tuple[int, int]], what: str, amounts: tuple[int, int]) -> int:
        """Let the CPU read and write so many bytes, objects among them, before anything else is started."""
        more = max(0, amounts[0] - sum(size for _, size in reads))
        work = {"reads": reads, "near_read": more, "near_written": amounts[1], "near_class": what}
        self.add(kind, "compute", unit=self.p.cpu, **work)
        return self.step["compute"]

    def _send(self, parts: tuple[int, int], tokens: int, kept: int | None) -> None:
        """Send keys and then values to the GPU, each from a copy in memory that can be sent, where one is made."""
        for each in parts:
            after, reads = list[int](), [] if kept is None else [(kept, each * tokens)]
            if self.p.pin_passes or self.p.pin_copies:
                amounts = (round(self.p.pin_passes * each) * tokens, round(self.p.pin_copies * each) * tokens)
                after = [self._on_cpu("pin_cache", reads, "kv", amounts)]
            self.copy("load_cache", "load_cache", each * tokens, (self.p.host, self.p.near), "kv", after)

    def store_cache(self, j: int, k: int) -> None:
        """Send the new keys and values of a part and batch to where they are kept."""
        if j >= 0 and self.parts[j].kind == ATTENTION:
            for tier, share in self.cache_away:
                amount = round(share * self.kv) * self.p.gpu_batch * self.tokens
                self.copy("store_cache", "store_cache", amount, (self.p.near, tier), "kv")

    def load_hidden(self, j: int, k: int) -> None:
        """Bring the activations that a part reads; the embedding reads tokens, whose few bytes do not count."""
        if 0 < j < len(self.parts):
            for tier, share in self.act_away:
                self.copy("load_hidden", "compute", share * self.hidden_bytes, (tier, self.p.near), "activation")

    def store_hidden(self, j: int, k: int) -> None:
        """Send away the activations that a part wrote; the head writes tokens, whose few bytes do not count."""
        if 0 <= j < len(self.parts) - 1:
            for tier, share in self.act_away:
                self.copy("store_hidden", "compute", share * self.hidden_bytes, (self.p.near, tier), "activation")

    @property
    def hidden_bytes(self) -> int:
        """Bytes of the activations between two parts, of one batch."""
        return HALF * self.p.gpu_batch * self.tokens * self.hidden

    # what parts compute

    def compute(self, j: int, k: int) -> None:
        """Compute a part for one batch."""
        part = self.parts[j]
        tokens = self.p.gpu_batch * self.tokens
        if part.kind == EMBEDDING:
            amount = HALF * tokens * self.hidden
            self.work(j, "embedding", near_read=2 * amount, near_written=amount, reads=())
        elif part.kind == ATTENTION:
            attend(self, j, k)
        else:
            kind = "head" if part.kind == HEAD else "feed"
            self.work(j, kind, flops=tokens * part.flops_per_token, **self.activations(j))

    def work(self, j: int, kind: str, **work: Any) -> None:
        """Add an operation of the GPU that reads a part's weights, or those named."""
        reads = work.pop("reads", [number for number, _ in self.places.weights[j]])
        self.add(kind, "compute", reads=reads, near_class="activation", **work)

    def activations(self, j: int) -> dict[str, int]:
        """Return the bytes of what goes into a part's matrices and comes out of them, half of each."""
        amount = HALF * self.p.gpu_batch * self.tokens * self.parts[j].activations
        return {"near_read": amount // 2, "near_written": amount // 2}
