"""From a name, or the path of a user's file, to a policy with compiled functions; every mistake is one line."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from hiersim import jit, policies
from hiersim.errors import PolicyError, nearest
from hiersim.policies import checks
from hiersim.policies.contract import Setup
from hiersim.policies.family import Family
from hiersim.policies.params import params_of, split


@dataclass(frozen=True, eq=False)
class Policy:
    """A policy that can be bound to a loop.

    Attributes:
        name: as the user wrote it, with its parameters.
        identity: tells its compiled code from all others'; parameters live in the state and are not part of it.
        builtin: whether it comes with the package.
        checked: whether its functions are compiled with bounds checks.
        needs_future: whether it must be told each access's ``next_use``.
        needs_parents: whether it must be told which object each one extends.
        params: its parameters, a NamedTuple; empty if it has none.
        hooks: its functions by name, compiled unless the JIT is off; optional ones that it lacks are missing.
        module: its file.
        family: what kind of policy it is.
    """

    name: str
    identity: str
    builtin: bool
    checked: bool
    needs_future: bool
    needs_parents: bool
    params: Any
    hooks: Mapping[str, Callable[..., Any]]
    module: ModuleType
    family: Family

    @property
    def predicts(self) -> str:
        """What it takes predictions of: ``next_use``, or a bit, ``discard`` or ``phase``; "" for none."""
        return str(getattr(self.module, "PREDICTS", ""))

    @property
    def sheds(self) -> bool:
        """Whether it may give up keys though there is room."""
        wanted = getattr(self.module, "sheds", None)
        return "surplus" in self.hooks and (wanted is None or bool(wanted(self.params)))

    def init(self, setup: Any) -> Any:
        """Return the empty cache's state: a NamedTuple of one-dimensional arrays.

        Raises:
            PolicyError: it must know which object each one extends, and the trace does not tell.
        """
        if self.needs_parents and len(setup.parents) != setup.objects:
            raise PolicyError(
                f"policy `{self.name}` needs a trace of prefix blocks, which says which block each one extends; "
                "traces of requests do"
            )
        chosen = setup._replace(params=self.params)
        return self.module.init(chosen) if self.builtin else checks.made(self, chosen)

    def largest(self, setup: Setup) -> int:
        """Return the largest object in bytes that the policy takes into a cache that could hold it."""
        if not hasattr(self.module, "largest"):
            return setup.capacity
        chosen = setup._replace(params=self.params)
        limit = self.module.largest(chosen) if self.builtin else checks.largest(self, chosen)
        return min(setup.capacity, int(limit))


def find(spec: str, *, check: bool | None = None, family: Family | None = None) -> Policy:
    """Return the policy ``spec`` of a family, by default of replacement; `policies.find` describes the arguments."""
    family = family or policies.REPLACEMENT
    name, chosen = split(spec)
    module, hooks, identity, bounds = _load(name, check, family)
    if name in family.table:
        chosen = split(family.table[name])[1] | chosen
    params = params_of(spec, module, chosen, family.kind)
    future = bool(getattr(module, "NEEDS_FUTURE", False))
    parents = bool(getattr(module, "NEEDS_PARENTS", False))
    policy = Policy(spec, identity, not is_path(name), bounds, future, parents, params, hooks, module, family)
    if not policy.builtin:
        checks.check(policy)
    return policy


def is_path(name: str) -> bool:
    """Tell a file from a name."""
    return name.endswith(".py") or "/" in name or "\\" in name


def _load(name: str, check: bool | None, family: Family) -> tuple[ModuleType, Mapping[str, Any], str, bool]:
    names = tuple(family.hooks)
    if is_path(name):
        path = Path(name).expanduser()
        if not path.is_file():
            raise PolicyError(f"{family.kind} `{name}`: no such file")
        bounds = True if check is None else check
        module = _import_file(path.resolve(), _digest(path, family.kind), family)
        return module, _compiled(module, bounds, names), module.__name__, bounds
    if name not in family.table:
        others = [each.kind for each in policies.families() if each is not family and name in each.table]
        instead = f", which is of the kind {others[0]}" if others else nearest(name, tuple(family.table))
        raise PolicyError(f"no {family.kind} `{name}`{instead} ({family.listed})")
    place, bounds = split(family.table[name])[0], bool(check)
    module = importlib.import_module(place)
    of_family = "" if family is policies.REPLACEMENT else f"{family.kind}."
    identity = of_family + place.rpartition(".")[2] + ("!" if bounds else "")
    return module, _compiled(module, bounds, names), identity, bounds


def _digest(path: Path, kind: str) -> str:
    try:
        return hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()
    except OSError as why:
        raise PolicyError(f"{kind} `{path}`: {why.strerror}") from why


@functools.cache
def _import_file(path: Path, digest: str, family: Family) -> ModuleType:
    name = f"hiersim_policy_{path.stem}_{digest}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PolicyError(f"{family.kind} `{path.name}`: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where compiled code finds its globals
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as why:
        del sys.modules[name]
        raise PolicyError(checks.describe_failure(path, why, kind=family.kind)) from why
    return module


@functools.cache
def _compiled(module: ModuleType, bounds: bool, names: tuple[str, ...]) -> Mapping[str, Any]:
    """Compile copies of a module's functions that call each other; the module itself stays plain Python."""
    own = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, FunctionType) and value.__module__ == module.__name__
    }
    if jit.DISABLED:
        return {name: own[name] for name in names if name in own}
    decorate = jit.checked if bounds else jit.hook
    namespace = dict(vars(module))
    for name, value in own.items():
        copy = FunctionType(value.__code__, namespace, name, value.__defaults__, value.__closure__)
        namespace[name] = decorate(copy)
    return {name: namespace[name] for name in names if name in own}
