"""hiersim: simulate memory hierarchies for AI workloads.

    import hiersim as hs
    hs.load("configs/kv_tiers.yaml").run()                                   # a machine of tiers, with time and energy
    hs.replay("trace.parquet", policy=["lru", "sieve"], capacity="10%")      # one cache, misses only

Everything is imported on first use, so that ``import hiersim`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hiersim.api.balance import Balance, balance
    from hiersim.api.breakeven import BreakEven, breakeven
    from hiersim.api.compare import Comparison
    from hiersim.api.curves import Curves, mrc
    from hiersim.api.replay import Replays, replay
    from hiersim.api.simulation import Simulation, load, run
    from hiersim.api.sources import generate, open
    from hiersim.drivers.cache_study import CacheResult
    from hiersim.engine.result import Result
    from hiersim.errors import ConfigError, HiersimError, LawError, OutputError, PolicyError, TraceError
    from hiersim.insight.compare import Runs, compare
    from hiersim.insight.explain import Explanation, explain
    from hiersim.insight.whatif import WhatIf, whatif
    from hiersim.traces import AccessTrace, RequestTrace, trace_info, working_set, write_trace

__version__ = "0.1.0"

_HOME = {
    "AccessTrace": "traces.access",
    "Balance": "api.balance",
    "BreakEven": "api.breakeven",
    "CacheResult": "drivers.cache_study",
    "Comparison": "api.compare",
    "ConfigError": "errors",
    "Curves": "api.curves",
    "HiersimError": "errors",
    "LawError": "errors",
    "OutputError": "errors",
    "PolicyError": "errors",
    "Replays": "api.replay",
    "RequestTrace": "traces.request",
    "Result": "engine.result",
    "Runs": "insight.compare",
    "Simulation": "api.simulation",
    "TraceError": "errors",
    "WhatIf": "insight.whatif",
    "balance": "api.balance",
    "breakeven": "api.breakeven",
    "compare": "insight.compare",
    "explain": "insight.explain",
    "generate": "api.sources",
    "load": "api.simulation",
    "mrc": "api.curves",
    "open": "api.sources",
    "replay": "api.replay",
    "run": "api.simulation",
    "trace_info": "traces.info",
    "whatif": "insight.whatif",
    "working_set": "traces.working_set",
    "write_trace": "traces.writing",
}

__all__ = [
    "AccessTrace",
    "Balance",
    "BreakEven",
    "CacheResult",
    "Comparison",
    "ConfigError",
    "Curves",
    "HiersimError",
    "LawError",
    "OutputError",
    "PolicyError",
    "Replays",
    "RequestTrace",
    "Result",
    "Runs",
    "Simulation",
    "TraceError",
    "WhatIf",
    "balance",
    "breakeven",
    "compare",
    "explain",
    "generate",
    "load",
    "mrc",
    "open",
    "replay",
    "run",
    "trace_info",
    "whatif",
    "working_set",
    "write_trace",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    if name in ("Result", "Runs", "Simulation", "compare", "load", "run", "whatif"):
        _complete_results()
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def _complete_results() -> None:
    """Give results their HTML form and their words, which lie in layers above them and are imported on use."""
    from hiersim.engine.result import Result

    def page(result: Result) -> str:
        from hiersim.report.notebook import result_html

        return result_html(result)

    def words(result: Result) -> Explanation:
        """Return in a few true sentences what bounds the run and what would help."""
        from hiersim.insight.explain import explain

        return explain(result)

    setattr(Result, "_repr_html_", page)  # noqa: B010
    setattr(Result, "explain", words)  # noqa: B010
