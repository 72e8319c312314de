"""One request alone on an idle machine: how long its first token takes, by where the KV of its context is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hiersim.drivers.serve import columns as c
from hiersim.drivers.serve.run import Server
from hiersim.drivers.serve.setup import prepare
from hiersim.engine import driven
from hiersim.engine.energy import energy_by_part
from hiersim.errors import ConfigError
from hiersim.machine import Machine, TierRules
from hiersim.machine.serving import Serving
from hiersim.models import Model
from hiersim.traces.request import RequestTrace


@dataclass(frozen=True)
class First:
    """The first token of a request that is alone.

    Attributes:
        ttft_ps: when it comes, picoseconds after the request.
        energy_j: of the whole machine until then, joules.
    """

    ttft_ps: int
    energy_j: float


@dataclass(frozen=True)
class Alone:
    """An idle machine that serves one request.

    Attributes:
        machine: the machine.
        tiers: the managed tiers from near to far, and their rules.
        serving: how requests are served.
        model: the AI model.
        kv_dtype: format of keys and values where ``serving`` names none.
        block_tokens: tokens of a shared block.
    """

    machine: Machine
    tiers: dict[str, TierRules]
    serving: Serving
    model: Model
    kv_dtype: str
    block_tokens: int

    def first(self, context: int, new: int, place: str | None) -> First:
        """Serve one request.

        Args:
            context: tokens whose KV may be there, whole blocks.
            new: tokens of the prompt behind them, at least 1.
            place: the tier that has the KV of the context; ``None`` for none, so that it is computed.

        Raises:
            ConfigError: the request is longer than the room for KV, or ``place`` too small.
        """
        blocks = context // self.block_tokens
        server = self._server(blocks, context + new)
        if place is not None:
            where = np.full(server.core.trace.objects, -1, np.int64)
            where[:blocks] = server.core.plan.order.index(place)
            if int(driven.place(server.core.handle, where)) != c.NONE:
                raise ConfigError(f"tiers.{place}: does not hold the KV of {context:,} tokens")
        server.run()
        first = int(server.state.queries[0, c.Q_FIRST])
        if first < 0:
            raise ConfigError(f"serve: {context + new:,} tokens have no room, or are more than a request may have")
        return First(first, sum(energy_by_part(server.core).values()))

    def _server(self, blocks: int, prompt: int) -> Server:
        one = np.array([prompt], np.int64)
        request = RequestTrace(
            np.zeros(1, np.int64), one, np.ones(1, np.int64), np.full(1, -1, np.int32),
            np.array([0, blocks], np.int64), np.arange(blocks, dtype=np.int32), np.arange(blocks, dtype=np.int64),
            block_tokens=self.block_tokens,
        )  # fmt: skip
        setup = prepare(self.machine, self.tiers, self.serving, self.model, self.kv_dtype)
        return Server(self.machine, self.tiers, setup, request)
