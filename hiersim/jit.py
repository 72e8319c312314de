"""How hot code is compiled; nothing else in the package calls Numba's decorators.

``hot`` is for functions that kernels call, ``kernel`` for entry points that Python calls, ``specialised`` for kernels
and C callbacks that close over a policy's functions. Compiled kernels are kept on disk between processes (`jitcache`).

Environment: ``HIERSIM_REFCOUNT=1`` compiles with Numba's reference counts, which must give equal results, only slower;
``NUMBA_DISABLE_JIT=1`` runs everything as plain Python; ``HIERSIM_CACHE_DIR`` moves the compiled code.
"""

# mypy: disallow-untyped-calls=false
from __future__ import annotations

import functools
import hashlib
import os
import pickle
from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba.core import caching, compiler, serialize, sigutils
from numba.core.ccallback import CFunc

from hiersim import jitcache, jitlink

F = TypeVar("F", bound=Callable[..., Any])

REFCOUNT = os.environ.get("HIERSIM_REFCOUNT", "") not in ("", "0")
DISABLED = bool(getattr(numba.config, "DISABLE_JIT"))  # noqa: B009 - set when Numba is imported
OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True}
if not REFCOUNT:  # arguments are borrowed, never counted: 5 to 10 times faster, and allocation is a compile error
    OPTIONS["_nrt"] = False
UNWRAPPED = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # only kernels call it

_listeners: list[Callable[[str], None]] = []


def hot(function: F) -> F:
    """Compile a function that kernels call: inlined, without reference counts, without the interpreter lock.

    It cannot allocate, and it only borrows the arrays that it is given. It takes whole numbers as int64 (uint64 as they
    are), and truth values too. A call from Python is a TypeError.
    """
    return _linked(function, forceinline=True)


def hook(function: F) -> F:
    """Compile as ``hot`` a function of a policy."""
    return _linked(function, forceinline=True)


def inner(function: F) -> F:
    """Compile a function that kernels call, as ``hot``, but leave it to the compiler whether to inline it.

    It is kept on disk by itself, so that another kernel that calls it does not compile it again.
    """
    compiled = _linked(function)
    if not DISABLED:
        compiled._cache = DiskCache(function, _own_name(function), quiet=True)  # type: ignore[attr-defined]
    return compiled


def checked(function: F) -> F:
    """Compile as ``hot``, with bounds checks: for functions that a user wrote."""
    return _linked(function, forceinline=True, boundscheck=True)


def kernel(function: F) -> F:
    """Compile an entry point that Python calls; as ``hot``, but not inlined, and kept on disk between processes."""
    return _compile(function, _own_name(function))


def specialised(function: F, name: str, *, keep: bool = True) -> F:
    """Compile an entry point that closes over other functions, which ``name`` must tell from all its siblings.

    Args:
        function: a closure; the functions that it closes over must come from the package's own sources.
        name: as ``study[lru,uniform]``; names the closure on disk and in the linker.
        keep: whether to keep it on disk; not for code that the package's digest does not cover, as a user's policy.
    """
    _rename(function, name)
    return _compile(function, f"{function.__module__}.{name}" if keep else None)


def callback(function: Callable[..., Any], signature: Any, name: str, *, keep: bool = True) -> Any:
    """Compile a C callback with the given Numba ``signature``; ``name`` and ``keep`` as in ``specialised``.

    The result has an ``address``, valid as long as the result lives. An exception inside goes to
    ``sys.unraisablehook`` and the callback returns 0.
    """
    _rename(function, name)
    compiled: Any = CFunc(function, sigutils.normalize_signature(signature), locals={}, options=dict(OPTIONS))
    compiled._cache = DiskCache(function, f"{function.__module__}.{name}" if keep else None)
    compiled.compile()
    return compiled


def on_compile(listener: Callable[[str], None]) -> Callable[[], None]:
    """Call ``listener(name)`` before each kernel that is not on disk and has to be compiled; return what undoes it."""
    _listeners.append(listener)
    return functools.partial(_listeners.remove, listener)


class DiskCache(caching._Cache):
    """What Numba asks for a function's compiled forms; one file of `jitcache` per signature."""

    def __init__(self, function: Callable[..., Any], name: str | None, *, quiet: bool = False) -> None:
        self.name = name or f"{function.__module__}.{function.__qualname__}"
        self.keep = name is not None
        self.quiet = quiet  # part of a kernel, of which the listeners hear
        self._impl = None
        self._modules = _modules_of(function)

    @property
    def cache_path(self) -> str:
        """The folder that holds the compiled forms, as Numba's own statistics show it."""
        return str(jitcache.folder() if self.keep else None)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled form for a signature, or ``None`` after telling the listeners."""
        found = self._load(sig, target_context) if self.keep else None
        if found is None and not self.quiet:
            for listener in tuple(_listeners):
                listener(self.name)
        return found

    def _load(self, sig: Any, target_context: Any) -> Any:
        entry = self._entry(sig)
        payload = jitcache.read(entry)
        if payload is None:
            return None
        try:
            if REFCOUNT:  # else compiled code needs nothing of what this loads, which takes a quarter of a second
                target_context.refresh()
            linked, *parts = pickle.loads(payload)
            rebuild = jitlink.rebuild if linked else compiler.CompileResult._rebuild
            return rebuild(target_context, *parts)
        except Exception:  # whatever is wrong with the entry, compiling again is the cure
            jitcache.forget(entry)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a compiled form, unless it holds addresses that are valid in this process only."""
        if not self.keep or data.library.has_dynamic_globals or data.lifted or jitcache.folder() is None:
            return
        try:
            linked = isinstance(data.library, jitlink.LinkedLibrary)
            payload = serialize.dumps((linked, *(jitlink.reduce(data) if linked else data._reduce())))
        except Exception:  # what cannot be written is compiled again next time
            return
        jitcache.write(self._entry(sig), payload)

    def _entry(self, sig: Any) -> str:
        args, returns = sigutils.normalize_signature(sig)
        modules = self._modules.union(*map(_modules_of_type, args))
        text = f"{self.name}({', '.join(map(_describe, args))})->{returns} {jitcache.digest_of(modules)}"
        readable = "".join(c if c.isalnum() or c in "._-" else "-" for c in self.name)
        return f"{readable[:80]}-{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"

    def enable(self) -> None:
        """Do nothing: there is no half-way state."""

    disable = flush = enable


def _linked(function: F, **options: bool) -> F:
    decorate = numba.njit(pipeline_class=jitlink.LinkCompiler, **OPTIONS | UNWRAPPED | options)
    compiled: F = decorate(function) if DISABLED else jitlink.widen(decorate(function))
    return compiled


def _compile(function: F, name: str | None) -> F:
    compiled: F = numba.njit(**OPTIONS)(function)
    if not DISABLED:
        compiled._cache = DiskCache(function, name)  # type: ignore[attr-defined]
    return compiled


def _own_name(function: Callable[..., Any]) -> str | None:
    """Name a module-level function of the package; ``None`` for others, which the digest or the name do not cover."""
    package, _, rest = function.__module__.partition(".")
    nested = "<locals>" in function.__qualname__ or function.__closure__
    if package != "hiersim" or rest.split(".")[0] in jitcache.ABOVE or nested:
        return None
    return f"{function.__module__}.{function.__qualname__}"


def _rename(function: Callable[..., Any], name: str) -> None:
    # Numba builds linker symbols from the qualified name; siblings must not share one when loaded from disk.
    function.__qualname__ = function.__name__ = name


def _modules_of(function: Any) -> frozenset[str]:
    """Return the package's modules that a function and those that it closes over are from."""
    if isinstance(function, tuple | list):
        return frozenset[str]().union(*map(_modules_of, function))
    plain = getattr(function, "py_func", getattr(function, "_defn", function))  # of a dispatcher, of an intrinsic
    own = {plain.__module__} if str(getattr(plain, "__module__", "")).startswith("hiersim.") else set()
    cells = [cell.cell_contents for cell in getattr(plain, "__closure__", None) or ()]
    return frozenset(own).union(*map(_modules_of, cells))


def _modules_of_type(kind: Any) -> frozenset[str]:
    """Return the package's modules that define a type, and those of the types in it."""
    inner = [_modules_of_type(each) for each in getattr(kind, "types", ())]
    owners = (type(kind), getattr(kind, "instance_class", None))
    names = {str(owner.__module__) for owner in owners if owner is not None}
    names.update(getattr(kind, "defined_in", ()))
    return frozenset(name for name in names if name.startswith("hiersim.")).union(*inner)


def _describe(kind: Any) -> str:
    """Spell a Numba type so that two tuples of equal arrays with different field names differ."""
    if hasattr(kind, "instance_class"):
        owner, fields = kind.instance_class, zip(kind.fields, kind.types, strict=True)
        inner = ", ".join(f"{field}: {_describe(each)}" for field, each in fields)
        return f"{owner.__module__}.{owner.__qualname__}({inner})"
    if hasattr(kind, "types"):
        return f"({', '.join(map(_describe, kind.types))})"
    return str(kind)
