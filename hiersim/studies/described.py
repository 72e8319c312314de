"""Studies written in YAML: a trace, replays or scenarios by name, and the figures that they are held against.

    title: ...        family, grade, source, memory and not_ours likewise: see `claim.Study`
    trace: {keys: [1, 2, 3, 1]}                      or {generate: zipf, objects: 1000, seed: 1}
    replays:                                         one cache, without time: `hiersim.replay`
      three: {policy: fifo, capacity: 3}
    runs:                                            with time: what a scenario file holds
      flash: {machine: rtx-4090, trace: ..., tiers: ...}
    base: {machine: rtx-4090}                        what all runs share, for those that do not say it
    claims:                                          the forms of claims: `hiersim.studies.forms`
      three-frames: {claimed: 9, simulated: three.misses, tolerance: 0, why: a count}

``simulated`` is arithmetic over results by name: of a replay the fields of ``hiersim.CacheResult``, of a run those of
``hiersim.Result``, with dots for what is inside.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hiersim.config.tree import Tree, read
from hiersim.errors import ConfigError, nearest
from hiersim.studies.claim import GRADES, Finding, Study
from hiersim.studies.forms import finding, lacking

TEXTS = ("title", "family", "grade", "source", "memory", "not_ours")
KEYS = (*TEXTS, "trace", "replays", "base", "runs", "claims")
OPERATORS: dict[type, Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def described(path: Path) -> Study:
    """Read a study from its file; it is called as the file is.

    Raises:
        ConfigError: the file cannot be read, or says something unknown or too little.
    """
    tree = read(path)
    data = tree.data
    wrong = [tree.mistake((key,), f"unknown key{nearest(key, KEYS)}") for key in data if key not in KEYS]
    wrong += [tree.mistake((), f"`{key}` is missing") for key in (*TEXTS, "claims") if not data.get(key)]
    if not wrong and data["grade"] not in GRADES:
        wrong.append(tree.mistake(("grade",), f"`{data['grade']}` is not one of {', '.join(GRADES)}"))
    for name, claim in (data.get("claims") or {}).items():
        wrong += [tree.mistake(("claims", name), f"`{key}` is missing") for key in lacking(claim or {})]
    if wrong:
        raise ConfigError(wrong)
    title, family, grade, source, memory, not_ours = (" ".join(str(data[key]).split()) for key in TEXTS)
    name = path.stem.replace("_", "-")
    return Study(name, title, family, grade, source, memory, not_ours, run=lambda: _run(tree))


def _run(tree: Tree) -> list[Finding]:
    results = _results(tree.data)
    findings = []
    for name, claim in tree.data["claims"].items():
        try:
            findings.append(finding(name, claim, lambda text: value(text, results)))
        except ValueError as why:
            key, what = why.args
            raise ConfigError([tree.mistake(("claims", name, key), what)]) from None
    return findings


def _results(data: Mapping[str, Any]) -> dict[str, Any]:
    from hiersim.api.replay import replay
    from hiersim.api.simulation import run
    from hiersim.config.load import scenario_of

    trace = _trace(data["trace"]) if "trace" in data else None
    results: dict[str, Any] = {}
    for name, options in (data.get("replays") or {}).items():
        results[name] = replay(trace, **options)[0]  # type: ignore[arg-type]
    for name, scenario in (data.get("runs") or {}).items():
        results[name] = run(scenario_of({"name": name} | laid_over(data.get("base") or {}, scenario)))
    return results


def laid_over(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return what all runs share with what one says beside, which goes before; groups are laid over each other."""
    found = dict(base)
    for key, own in more.items():
        both = isinstance(own, Mapping) and isinstance(found.get(key), Mapping)
        found[key] = laid_over(found[key], own) if both else own
    return found


def _trace(given: Mapping[str, Any]) -> Any:
    from hiersim.api.sources import generate
    from hiersim.traces.access import AccessTrace

    if "keys" in given:
        numbers = {key: i for i, key in enumerate(dict.fromkeys(given["keys"]))}
        return AccessTrace.build([numbers[key] for key in given["keys"]], 1, {"original_id": list(numbers)})
    options = dict(given)
    return generate(options.pop("generate"), **options)


def value(text: str, names: Mapping[str, Any]) -> float:
    """Return the value of arithmetic over names with dots.

    Raises:
        ValueError: it is no arithmetic, or names something unknown.
    """
    try:
        return float(_value(ast.parse(text, mode="eval").body, names))
    except (SyntaxError, TypeError, ZeroDivisionError) as why:
        raise ValueError(f"`{text}` is no arithmetic over results: {why}") from None


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return _inside(names, node.id)
    if isinstance(node, ast.Attribute):
        return _inside(_value(node.value, names), node.attr)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](_value(node.left, names), _value(node.right, names))
    raise TypeError("only + - * / ** of numbers and results")


def _inside(owner: Any, name: str) -> Any:
    if isinstance(owner, Mapping):
        if name not in owner:
            raise ValueError(f"no `{name}`{nearest(name, owner)} (there are {', '.join(owner)})")
        return owner[name]
    if name.startswith("_") or not hasattr(owner, name):
        raise ValueError(f"no `{name}`{nearest(name, [each for each in dir(owner) if not each.startswith('_')])}")
    return getattr(owner, name)
