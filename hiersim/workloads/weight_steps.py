"""The operations of weight streaming: a layer's weights come, perhaps by way of the host; it computes; they go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hiersim.models import Model
from hiersim.traces.operation_builder import OperationBuilder
from hiersim.workloads.transformer import ATTENTION, EMBEDDING, HEAD
from hiersim.workloads.weight_objects import HALF, Kept

if TYPE_CHECKING:
    from hiersim.workloads.weight_streaming import StreamingParameters

PS_PER_S = 10**12


class Steps:
    """Adds operations to a trace, group by group; a group is the embedding, a layer or the head."""

    def __init__(self, p: StreamingParameters, builder: OperationBuilder, model: Model, parts: list[Kept]) -> None:
        self.p, self.builder, self.model = p, builder, model
        layers = [parts[i : i + 2] for i in range(1, len(parts) - 1, 2)]
        self.groups = [parts[:1], *layers, parts[-1:]]
        self.token = 0
        self.computed: list[int] = []  # of each group so far the place of its last operation

    @property
    def tokens(self) -> int:
        """Tokens of all sequences that a turn computes."""
        return self.p.batch * (1 if self.token else self.p.prompt)

    def _add(self, kind: str, **work: Any) -> int:
        return self.builder.add(kind, **{"unit": self.p.unit} | work)

    def turn(self, token: int) -> None:
        """Add one token of every sequence."""
        self.token = token
        for group in self.groups:
            after = self.fetch(group) if self.p.load == "ahead" and group[0].part.kind != EMBEDDING else ()
            for kept in group:
                self.compute(kept, after)
            self.drop(group)
            self.computed.append(len(self.builder) - 1)

    # copies

    def fetch(self, group: Sequence[Kept]) -> tuple[int, ...]:
        """Add what brings a group's weights, as early as the window lets them; return what the layer comes after."""
        away = [number for kept in group for number in kept.away]
        if not away:
            return ()
        behind = min(1 + self.p.ahead, len(self.groups))  # the window is not longer than a turn
        after: tuple[int, ...] = (self.computed[-behind],) if len(self.computed) >= behind else ()
        found = []
        if self.p.bounce:
            disk = {"unit": self.p.cpu, "stream": "disk"}
            after = (self._add("read_disk", action="fetch", reads=away, after=after, **disk),)
        if self.p.copy_rate:
            found.append(self._stage(sum(kept.away_bytes for kept in group), after))
        work: dict[str, Any] = {"stream": "copies", "reads": away, "after": after}
        found.append(self._add("load_weight", action="fetch", **work))
        if self.p.gather:
            amount = sum(kept.away_bytes for kept in group)
            found.append(self._add("gather", stream="copies", reads=away, near_written=amount, near_class="weight"))
        return tuple(found)

    def _stage(self, amount: int, after: tuple[int, ...]) -> int:
        """Add a core's copy into memory that can be sent; it reads each line that it writes."""
        duration = round(amount / self.p.copy_rate * PS_PER_S)
        near = {"near_read": 2 * amount, "near_written": amount, "near_class": "weight"}
        return self._add("stage", unit=self.p.cpu, stream="stage", after=after, duration_ps=duration, **near)

    def drop(self, group: Sequence[Kept]) -> None:
        """Drop what came of a group, near and on its way."""
        away = [number for kept in group for number in kept.away]
        if away and self.p.load == "ahead" and group[0].part.kind != EMBEDDING:
            self._add("free_weight", action="drop", reads=away)
            if self.p.bounce:
                last = len(self.builder) - 1
                self._add("free_host", unit=self.p.cpu, stream="free", action="drop", reads=away, after=(last,))

    # what parts compute

    def compute(self, kept: Kept, after: tuple[int, ...]) -> None:
        """Add what a part computes: one operation, or one for each of its pages."""
        kind = kept.part.kind
        if kind == EMBEDDING:
            self._look_up()
            return
        if self.p.expand == "near" and kind != HEAD:
            self._expand(kept, after)
            after = ()
        dense = self.p.expand == "near" and kind != HEAD
        if dense or not self.p.pages:
            self._add(kind, reads=[] if dense else kept.near + kept.away, after=after, **self._work(kept, 1.0))
        else:
            self._page_by_page(kept, after)

    def _page_by_page(self, kept: Kept, after: tuple[int, ...]) -> None:
        """Add an operation for each page, with its share of the FLOPs; the first does what is not weights, too."""
        first, *rest = sorted(kept.near + kept.away)
        total = sum(kept.sizes.values()) - sum(kept.sizes[number] for number in kept.unread)
        self._add(kept.part.kind, reads=[first], after=after, **self._work(kept, kept.sizes[first] / total))
        if rest:
            flops = self._flops(kept)
            shares = [round(kept.sizes[number] / total * flops) for number in rest]
            self.builder.add_each(kept.part.kind, rest, shares, unit=self.p.unit, after=after, near_class="activation")

    def _look_up(self) -> None:
        """Add the embedding's rows, which come from where it is kept, over to the unit."""
        amount = HALF * self.tokens * self.model.hidden
        tiers = {"source": self.p.home, "target": self.p.near}
        self._add("embedding", action="carry", near_read=amount, near_class="weight", **tiers)

    def _expand(self, kept: Kept, after: tuple[int, ...]) -> None:
        """Add an operation that reads what is stored and writes all weights in 16 bits."""
        work = {
            "flops": round(self.p.expand_flops * kept.part.numbers),
            "near_written": HALF * kept.part.numbers,
            "near_class": "weight",
        }
        self._add("expand", reads=kept.near + kept.away, after=after, **work)

    def _flops(self, kept: Kept) -> int:
        """Return the FLOPs of a part's matrices."""
        p, part = self.p, kept.part
        flops = (p.batch if part.kind == HEAD else self.tokens) * part.flops_per_token
        return flops + (round(p.expand_flops * part.numbers) if p.expand == "inside" and part.kind != HEAD else 0)

    def _work(self, kept: Kept, share: float) -> dict[str, Any]:
        """Return the columns of an operation that does a share of a part's FLOPs and all that is not weights."""
        p, part, kind = self.p, kept.part, kept.part.kind
        work: dict[str, Any] = {"flops": round(share * self._flops(kept)), "near_class": "activation"}
        if p.expand == "near" and kind != HEAD:
            work["near_read"] = HALF * part.numbers
        self._add_rest(work, part.activations * (p.batch if kind == HEAD else self.tokens), kind)
        return work

    def _add_rest(self, work: dict[str, Any], activations: int, kind: str) -> None:
        """Add activations, half read and half written, and what attention does with its cache."""
        read, written = activations * HALF // 2, activations * HALF // 2
        if kind == ATTENTION:
            more, flops = self._attention()
            read, written = read + more[0], written + more[1]
            work["flops"] += flops
            work["near_class"] = "kv"
        work["near_read"] = work.get("near_read", 0) + read
        work["near_written"] = written

    def _attention(self) -> tuple[tuple[int, int], int]:
        """Return (bytes read, bytes written) and FLOPs of one layer's attention beside its matrices."""
        p, model = self.p, self.model
        pair, kv = 2 * model.heads * (model.head_dim + model.value_width), HALF * model.kv_values_per_layer
        if self.token:
            context = p.batch * (p.prompt + self.token)
            return (
                round(p.cache_reads * kv) * context,  # what a token takes is rounded: a context's growth is even
                round(p.cache_writes * kv) * context + p.batch * kv,
            ), pair * context
        pairs = p.batch * (p.prompt**2 if p.scores else p.prompt * (p.prompt + 1) // 2)
        scores, written = p.scores * HALF * model.heads * pairs, p.batch * p.prompt * kv
        return (scores + written, scores + written), pair * pairs
