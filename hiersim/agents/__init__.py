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
    module, known = chosen("agent", kind, AGENTS, "run", params or {})
    return lambda env, core: module.run(env, core, known)


def chosen(sort: str, kind: str, table: Mapping[str, str], entry: str, params: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the module of what decides, and its parameters.

    Args:
        sort: what it is, such as ``agent``.
        kind: a name of the table, or the path of a Python file.
        table: name -> module.
        entry: the function that it must have.
        params: parameters by name; the others have their defaults.

    Raises:
        ConfigError: there is none, its file does not do what it must, or a parameter is unknown.
    """
    module = _load(sort, kind, table, entry)
    known = module.Params._fields
    for name in params:
        if name not in known:
            has = f" ({', '.join(known)})" if known else " (it has none)"
            raise ConfigError(f"{sort} `{kind}` has no parameter `{name}`{nearest(name, known)}{has}")
    return module, module.Params(**params)


def _load(sort: str, kind: str, table: Mapping[str, str], entry: str) -> ModuleType:
    if not kind.endswith(".py"):
        if kind not in table:
            raise ConfigError(f"no {sort} `{kind}`{nearest(kind, table)} ({', '.join(table)}, or a file)")
        return importlib.import_module(table[kind])
    path = Path(kind)
    spec = importlib.util.spec_from_file_location(f"hiersim_{sort}_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ConfigError(f"{sort} `{kind}`: no such file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as why:
        raise ConfigError(f"{sort} `{kind}`: {type(why).__name__}: {why}") from why
    for name in ("Params", entry):
        if not hasattr(module, name):
            raise ConfigError(
                f"{sort} `{kind}`: it has no `{name}` (it needs Params and {entry}(...), see docs/extend)"
            )
    return module
