"""Where a point's result is kept: a digest of all that can change it, so that equal points share one result."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

import hiersim
from hiersim import jitcache
from hiersim.config import Scenario


def address(scenario: Scenario, fingerprint: str) -> str:
    """Return 32 hexadecimal digits for what a run of a scenario on a trace gives.

    They cover the scenario's hash, the trace's fingerprint, the content of the user's own files (policies, prefetchers,
    admissions, agents), and the version of hiersim with a digest of all sources that a result can depend on.
    """
    parts = [scenario.scenario_hash, fingerprint, version(), *map(_digest, user_files(scenario))]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def user_files(node: Any) -> list[str]:
    """Return the paths of the user's own Python files that a scenario names anywhere, as policies or agents."""
    if isinstance(node, Scenario):
        return user_files(node.model_dump(exclude={"machine", "name", "summary"}))
    if isinstance(node, dict | list | tuple):
        return [path for child in (node.values() if isinstance(node, dict) else node) for path in user_files(child)]
    return [node] if isinstance(node, str) and node.endswith(".py") else []


@functools.cache
def version() -> str:
    """Return what names the version of results: hiersim's, and a digest of the sources below the configuration."""
    seen = hashlib.blake2b(digest_size=8)
    for path in jitcache.sources():
        name = path.relative_to(jitcache.PACKAGE).as_posix()
        seen.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{hiersim.__version__}-{seen.hexdigest()}"


def _digest(path: str) -> str:
    return hashlib.blake2b(Path(path).read_bytes(), digest_size=16).hexdigest()


def trace_key(scenario: Scenario) -> str:
    """Return a text that is equal for scenarios that open the same trace."""
    apart = {"name", "summary", "machine", "tiers", "classes", "replay", "serve", "agents", "outputs"}
    data: dict[str, Any] = scenario.model_dump(mode="json", exclude=apart)
    return json.dumps(data | {"serves": scenario.serve is not None}, sort_keys=True)
