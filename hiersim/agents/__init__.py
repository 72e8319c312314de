"""Agents: SimPy processes that decide during a run. One file each; a user's own file works by its path.

An agent's file has ``Params``, a NamedTuple with defaults, and ``run(env, core, params)``, a generator that yields
SimPy events: ``env.timeout(ps)``, or what ``core.watch(...)`` returns. ``core`` is an ``AgentCore`` of
``hiersim.engine.clock``.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from hiersim.errors import ConfigError, nearest

AGENTS = {
    "next_n": "hiersim.agents.next_n",
    "rebalance": "hiersim.agents.rebalance",
}
"""Name -> module."""


def make_agent(kind: str, params: Mapping[str, Any] | None = None) -> Any:
    """Return the generator function ``agent(env, core)`` of a kind.

    Args:
        kind: a name of ``AGENTS``, or the path of a Python file.
        params: the agent's parameters by name; the others have their defaults.

    Raises:
        ConfigError: no such agent, or no such parameter.
    """
    module = _load(kind)
    known = module.Params._fields
    given = dict(params or {})
    for name in given:
        if name not in known:
            raise ConfigError(f"agent `{kind}` has no parameter `{name}`{nearest(name, known)} ({', '.join(known)})")
    chosen = module.Params(**given)
    return lambda env, core: module.run(env, core, chosen)


def _load(kind: str) -> ModuleType:
    if not kind.endswith(".py"):
        if kind not in AGENTS:
            raise ConfigError(f"no agent `{kind}`{nearest(kind, AGENTS)} ({', '.join(AGENTS)}, or a file)")
        return importlib.import_module(AGENTS[kind])
    path = Path(kind)
    spec = importlib.util.spec_from_file_location(f"hiersim_agent_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ConfigError(f"agent `{kind}`: no such file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as why:
        raise ConfigError(f"agent `{kind}`: {type(why).__name__}: {why}") from why
    for name in ("Params", "run"):
        if not hasattr(module, name):
            raise ConfigError(f"agent `{kind}`: it has no `{name}` (it needs Params and run(env, core, params))")
    return module
