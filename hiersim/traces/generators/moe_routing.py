"""Which experts the tokens of a mixture-of-experts model are routed to, layer by layer, with a locality to choose.

Each expert of a layer has a score for each token, and the highest ``active`` are used. A score is the sum of what
stays for a while (an autoregression over tokens, whose correlation falls by e over ``span`` tokens), of what is the
token's own, and of what the expert always has; each is normal. ``locality`` is the share of the variance that stays:
at 0 tokens choose independently, at 1 neighbours choose nearly alike. An object is one expert of one layer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import ConfigError
from hiersim.traces.access import AccessTrace
from hiersim.traces.generators.generator import SECOND, Generator, parameter


@dataclass(frozen=True)
class RoutingParameters:
    """Parameters of the routing generator."""

    tokens: int = parameter(1000, "tokens, one after the other", low=1, high=10**7)
    layers: int = parameter(4, "layers with experts", low=1, high=1000)
    experts: int = parameter(64, "experts in a layer", low=1, high=4096)
    active: int = parameter(8, "experts that a token uses in a layer", low=1, high=4096)
    locality: float = parameter(0.5, "share of the scores' variance that stays from token to token", high=1)
    span: float = parameter(32.0, "tokens over which its correlation falls by e", low=0.01, high=10**6)
    imbalance: float = parameter(0.0, "standard deviation of what an expert always has, by that of the rest", high=100)
    size: int = parameter(1 << 20, "bytes of an expert", low=1, high=2**50, unit="bytes")
    token_time: int = parameter(0, "picoseconds from token to token", high=SECOND, unit="time")


def make(p: RoutingParameters, rng: np.random.Generator) -> AccessTrace:
    """Make the trace: of each token its layers in order, of each layer its experts by falling score."""
    if p.active > p.experts:
        raise ConfigError(f"moe_routing.active  must be at most the {p.experts} experts, got `{p.active}`")
    routed = chosen(p, rng)
    objects = routed + np.arange(p.layers, dtype=np.int32)[:, None] * p.experts
    token = np.repeat(np.arange(p.tokens), p.layers * p.active)
    columns = {
        "original_id": np.arange(p.layers * p.experts),
        "group": token,
        "time_ps": token * p.token_time,
    }
    sizes = np.full(p.layers * p.experts, p.size, np.int64)
    return AccessTrace.build(objects.ravel(), sizes, columns, classes=("expert",)).compact()


def chosen(p: RoutingParameters, rng: np.random.Generator) -> NDArray[np.int32]:
    """Return the experts, int32[tokens, layers, active]."""
    shape = (p.layers, p.experts)
    always = p.imbalance * rng.standard_normal(shape)
    stays, keep = rng.standard_normal(shape), float(np.exp(-1.0 / p.span))
    found = np.empty((p.tokens, p.layers, p.active), np.int32)
    for token in range(p.tokens):
        own, change = rng.standard_normal((2, *shape))
        scores = np.sqrt(p.locality) * stays + np.sqrt(1.0 - p.locality) * own + always
        found[token] = np.argsort(-scores, axis=1, kind="stable")[:, : p.active]
        stays = keep * stays + np.sqrt(1.0 - keep * keep) * change
    return found


GENERATOR = Generator("moe_routing", "experts that tokens are routed to, with a locality", RoutingParameters, make)
