"""Imports point downwards only, and each outside library is imported where it belongs."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "hiersim"

LAYERS = (
    {"errors"},
    {"units", "spec", "jit", "jitcache", "jitlink"},
    {"policies", "machine", "models", "traces"},
    {"engine"},
    {"drivers", "agents", "workloads", "scratchpad"},
    {"config"},
    {"api"},
    {"report", "studies"},
    {"sweep"},  # tables and pictures of many runs are made by report
    {"insight"},  # runs many, and tells in words what they teach
    {"cli"},
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
BESIDE = {("jit", "jitcache"), ("jit", "jitlink")}  # how code is compiled and kept is one concern in three files

# the only files beside jit.py that extend the compiler (intrinsics, types) or explain its errors
COMPILER = (
    *(f"policies/{name}.py" for name in ("hooks", "wrappers", "noted", "bits", "memory", "checks")),
    "engine/pointed.py",
)
ONLY_IN = {
    "matplotlib": ("report/",),
    "typer": ("cli/",),
    "click": ("cli/",),
    "rich": ("cli/", "report/"),
    "simpy": ("engine/clock.py", "agents/"),
    "scipy": ("studies/", "scratchpad/", "drivers/flow_bound.py"),
    "onnx": ("scratchpad/",),
    "joblib": ("sweep/",),
    "optuna": ("sweep/",),
    "dask": ("sweep/",),
    "distributed": ("sweep/",),
    "ray": ("sweep/",),
    "perfetto": ("report/timeline/",),
    "yaml": ("config/", "machine/catalogue/", "models/"),
    "numba": ("jit.py", "jitcache.py", "jitlink.py", *COMPILER),
    "llvmlite": ("jit.py", "jitcache.py", "jitlink.py", *COMPILER),
}


def imported(tree, package):
    """Yield (line, dotted module) for every import, wherever it stands; ``package`` resolves relative ones."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
            base = base if node.level else node.module
            if base == "hiersim":
                yield from ((node.lineno, f"hiersim.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, base


def violations(path, text):
    """Return what is wrong with the imports of a file; ``path`` is relative to the package, with ``/``."""
    parts = path.removesuffix(".py").split("/")
    here = parts[0]
    found = []
    for line, module in imported(ast.parse(text), ["hiersim", *parts[:-1]]):
        names = module.split(".")
        allowed = ONLY_IN.get(names[0])
        if allowed and not path.startswith(allowed):
            found.append(f"{path}:{line}: {names[0]} is imported only in {', '.join(allowed)}")
        if names[0] != "hiersim" or len(names) == 1 or names[1].startswith("__") or here in ("__init__", "__main__"):
            continue
        there = names[1]
        if there not in RANK:
            found.append(f"{path}:{line}: hiersim.{there} is in no layer")
        elif here != there and (here, there) not in BESIDE and RANK[there] >= RANK[here]:
            found.append(f"{path}:{line}: {here} imports {there}, which is not below it")
    return found


FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))


def test_every_module_has_a_layer():
    tops = {path.split("/")[0].removesuffix(".py") for path in FILES}
    assert tops - set(RANK) == {"__init__"} or tops - set(RANK) == {"__init__", "__main__"}


@pytest.mark.parametrize("path", FILES)
def test_imports_point_downwards(path):
    assert violations(path, (ROOT / path).read_text()) == []


@pytest.mark.parametrize(
    ("path", "text", "what"),
    [
        ("machine/tier.py", "import hiersim.engine", "machine imports engine"),
        ("machine/tier.py", "from hiersim.policies import find", "machine imports policies"),
        ("machine/tier.py", "def f():\n    from hiersim import config", "machine imports config"),
        ("machine/tier.py", "from ..traces import x", "machine imports traces"),
        ("policies/lru.py", "from hiersim.machine.tier import Tier", "policies imports machine"),
        ("units.py", "from hiersim.jit import hot", "units imports jit"),
        ("api.py", "import hiersim.report.stalls", "api imports report"),
        ("engine/x.py", "import hiersim.helpers", "in no layer"),
        ("engine/x.py", "from hiersim import run", "in no layer"),
        ("engine/world.py", "import simpy", "simpy is imported only"),
        ("engine/world.py", "import numba as nb", "numba is imported only"),
        ("api.py", "import matplotlib.pyplot as plt", "matplotlib is imported only"),
        ("config/load.py", "from rich.table import Table", "rich is imported only"),
        ("report/table.py", "import typer", "typer is imported only"),
        ("machine/tier.py", "import yaml", "yaml is imported only"),
    ],
)
def test_the_checker_finds_it(path, text, what):
    assert len(violations(path, text)) == 1
    assert what in violations(path, text)[0]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "machine/tier.py",
            "from hiersim.units import Bytes\nimport hiersim.machine.record\nimport pydantic",
        ),
        ("machine/tier.py", "from .record import Part\nfrom hiersim import __version__"),
        ("config/load.py", "import yaml\nfrom hiersim import policies"),
        ("engine/clock.py", "import simpy"),
        ("report/table.py", "from rich.table import Table\nimport matplotlib"),
        ("__init__.py", "from hiersim.api import run"),
    ],
)
def test_the_checker_lets_pass(path, text):
    assert violations(path, text) == []


def test_importing_the_package_is_light():
    import subprocess
    import sys

    heavy = "{'pydantic', 'numba', 'polars', 'matplotlib', 'simpy', 'yaml', 'typer'}"
    code = f"import sys, hiersim, hiersim.units; print(sorted({heavy} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
