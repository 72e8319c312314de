"""What became of the requests of a serving run: in sentences, and as tables of a report."""

from __future__ import annotations

from hiersim.engine.requests import RequestsResult, spread
from hiersim.engine.result import Result
from hiersim.report.format import count, duration, percent, plural
from hiersim.report.page.cells import Cell, Head, Table
from hiersim.report.requests_table import WORDS, times_of

LITTLE = 0.01
"""Parts of the requests' time of less than this share are left to the table."""


def told(result: Result, requests: RequestsResult) -> list[str]:
    """Return what was served, how long requests took, and where their time went."""
    done = int(requests.done.sum())
    rate = requests.output_total / (result.elapsed_ps / 1e12)
    took = f"{plural(requests.count, 'request')} took {duration(result.elapsed_ps)} of simulated time"
    found = [f"{took}: {count(requests.output_total)} output tokens, {count(round(rate))} a second."]
    rejected = int(requests.rejected.sum())
    if rejected:
        found.append(f"{plural(rejected, 'request')} could never be served: more KV than there is room for.")
    if not done:
        return found
    first, each = spread(requests.ttft_ps), spread(requests.tpot_ps)
    words = f"The first token came after {_s(first['mean'])} on average, for 99% within {_s(first['p99'])}"
    found.append(f"{words}; each further one took {_s(each['mean'])}, for 99% at most {_s(each['p99'])}.")
    found.append(_time(requests))
    if preempted := int(requests.preemptions.sum()):
        found.append(f"{plural(preempted, 'time')} a request that ran had to give its room to others.")
    return [*found, *_shares(requests, tuple(result.tiers))]


def _s(seconds: float) -> str:
    return duration(round(seconds * 1e12))


def _parts(requests: RequestsResult) -> list[tuple[str, float, float]]:
    """Return what requests did, its seconds and its share of their time; most first."""
    spent = requests.spent_ps
    total = sum(spent.values())
    found = [(WORDS[name], ps, ps / total) for name, ps in spent.items() if ps]
    return sorted(found, key=lambda part: -part[1])


def _time(requests: RequestsResult) -> str:
    large = [f"{percent(share)} {what}" for what, _, share in _parts(requests) if share >= LITTLE]
    large[0] = large[0].replace("%", "% of their time", 1)
    return f"The requests spent {', '.join(large)}."


def _shares(requests: RequestsResult, tiers: tuple[str, ...]) -> list[str]:
    """Return how much was reused, and how many requests kept what they were promised."""
    prompt = int(requests.prompt_tokens[requests.done].sum())
    reused = [f"{percent(n / prompt)} in {name}" for name, n in requests.reuse(tiers).items() if n and name in tiers]
    found = [f"Of the prompt tokens {' and '.join(reused)} had their KV there already."] if reused else []
    promise = requests.promise
    if any(each is not None for each in (promise.ttft_ps, promise.tpot_ps, promise.latency_ps)):
        found.append(f"{percent(float(requests.kept_promise.mean()))} of the requests kept what was promised.")
    return found


def tables(requests: RequestsResult, prefix: str) -> list[Table]:
    """Return how long requests took, and where their time went; ``prefix`` makes their ids unique in a page."""
    if not requests.done.any():
        return []
    heads = [Head("of a request", False), *(Head(name, True) for name in ("mean", "p50", "p90", "p99", "max"))]
    rows = []
    for label, values in times_of(requests):
        ends = [round(seconds * 1e12) for seconds in spread(values).values()]
        rows.append([Cell(label), *(Cell(duration(ps), ps, True) for ps in ends)])
    parts = [
        [Cell(what), Cell(duration(ps), ps, True), Cell(percent(share), share, True)]
        for what, ps, share in _parts(requests)
    ]
    where = [Head("what", False), Head("time", True), Head("share", True)]
    return [
        Table(f"{prefix}-times", "How long requests took", heads, rows),
        Table(f"{prefix}-waits", "Where the requests' time went", where, parts, "Summed over all requests."),
    ]
