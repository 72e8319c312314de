"""A policy's functions as C callbacks of one type, so that one compiled loop serves every policy and every mix of them.

Each hook is ``int64 hook(int64* fields, int64 key, int64 size, int64 now, int64 next_use)``. ``fields`` points to
``fields_table(state)``: address and length of each of the state's arrays. Hooks without a result return 0.
A prefetcher's hook is of the same type; two arrays behind the state's say more of the access and take the keys.

``call_hook`` calls one from a compiled loop. Under ``NUMBA_DISABLE_JIT=1`` an "address" is a number in a table of plain
functions, each bound to its state, and ``call_hook`` is a plain function too: loops need not know.

**Errors.** A hook of the package cannot fail. A user's can (an index out of range), and an exception cannot cross a
C callback: the hook returns 0 and the loop goes on. So a loop must not trust ``victim``: it checks that the key is
resident and stops with a code if it is not. The caller runs the loop inside ``failures(policy)``, which raises the
first exception of a hook as PolicyError when the loop has ended.
"""

# mypy: disallow-untyped-calls=false
from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.extending import intrinsic

from hiersim import jit
from hiersim.errors import PolicyError
from hiersim.policies.contract import Request
from hiersim.policies.noted import Bound, noting, told
from hiersim.policies.prefetch.contract import Access
from hiersim.policies.wrappers import WRAPPERS, arrays_at, with_access, with_answer, with_request, with_victim

if TYPE_CHECKING:
    from hiersim.policies.loader import Policy

ORDER = ("on_miss", "on_insert", "on_hit", "on_remove", "victim", "admit")
ON_MISS, ON_INSERT, ON_HIT, ON_REMOVE, VICTIM, ADMIT = range(6)

SIGNATURE = types.int64(types.CPointer(types.int64), types.int64, types.int64, types.int64, types.int64)

_plain: list[Callable[[int, int, int, int], int]] = [lambda key, size, now, next_use: 0]  # JIT off; 0 means no hook


def fields_table(state: Any) -> np.ndarray:
    """Return int64[2 * fields]: the address and the length of each of the state's arrays, which must outlive it."""
    table = np.empty(2 * len(state), np.int64)
    for i, array in enumerate(state):
        table[2 * i], table[2 * i + 1] = array.ctypes.data, array.shape[0]
    return table


def bind_hooks(policy: Policy, state: Any) -> np.ndarray:
    """Return int64[6]: the addresses of the policy's hooks for a state like this one, in ``ORDER``; 0 for none.

    The addresses stay valid as long as the process. They fit every state of the same types, except with the JIT off,
    when they belong to ``state`` itself.
    """
    if jit.DISABLED:
        return np.array([_plain_hook(policy, name, state) for name in ORDER], np.int64)
    compiled = _callbacks(policy, numba.typeof(state))
    return np.array([hook.address if hook is not None else 0 for hook in compiled], np.int64)


def bind_prefetcher(policy: Policy, state: Any, told: np.ndarray, out: np.ndarray) -> tuple[int, np.ndarray]:
    """Return the address of a prefetcher's ``on_access`` and its table of fields, which the caller keeps.

    Args:
        policy: the prefetcher.
        state: its state.
        told: int64[4], where the caller writes of the access: stream, write, hit, used.
        out: int64[most], where the hook writes keys.
    """
    table = fields_table((*state, told, out))
    if not jit.DISABLED:
        kind = numba.typeof(state)
        return int(_compiled_prefetcher(policy, kind).address), table
    hook = policy.hooks["on_access"]
    _plain.append(lambda key, size, now, next_use: int(hook(state, key, Access(key, size, now, *told.tolist()), out)))
    return len(_plain) - 1, table


def bind_admission(policy: Policy, state: Any, against: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Return the addresses of an admission's ``on_access``, ``admit`` and ``prefer``, 0 for none, and its fields.

    Args:
        policy: the admission.
        state: its state.
        against: int64[1], where the caller writes the victim that ``prefer`` is asked about.
    """
    table = fields_table((*state, against))
    if not jit.DISABLED:
        made = _compiled_admission(policy, numba.typeof(state))
        return [hook.address if hook is not None else 0 for hook in made], table
    addresses = []
    for name in _GATE:
        hook = policy.hooks.get(name)
        if hook is not None:
            _plain.append(_plain_gate(hook, state, against if name == "prefer" else None))
        addresses.append(len(_plain) - 1 if hook is not None else 0)
    return addresses, table


@contextlib.contextmanager
def failures(*policies: Policy, bound: Sequence[Bound] = ()) -> Iterator[None]:
    """Raise the first exception that a hook meets inside the block, at its end, as PolicyError.

    Args:
        policies: all whose hooks are called.
        bound: policies with their states, of which the line that fails can be told.
    """
    seen: list[BaseException] = []
    lines: list[str] = []
    before = sys.unraisablehook

    def keep(unraisable: Any) -> None:
        if isinstance(unraisable.exc_value, Exception):
            if not seen:
                lines.append(told(bound, ORDER))
            seen.append(unraisable.exc_value)
        else:
            before(unraisable)

    sys.unraisablehook = keep
    try:
        yield
    finally:
        sys.unraisablehook = before
        if seen and lines[0]:
            raise PolicyError(lines[0]) from seen[0]
        if seen:
            names = ", ".join(f"{policy.family.kind} `{policy.name}`" for policy in policies if policy.checked)
            raise PolicyError(f"{names or 'policy of the package'}: {type(seen[0]).__name__}: {seen[0]}") from seen[0]


_made: dict[tuple[Any, ...], tuple[Any, ...]] = {}  # one set of callbacks for all runs of a process


def _callbacks(policy: Policy, kind: Any) -> tuple[Any, ...]:
    """Return the callbacks for one policy over one type of state, made once in a process."""
    key = (policy.identity, policy.checked, kind)
    if key not in _made:
        _made[key] = _make_callbacks(policy, kind)
    return _made[key]


def _make_callbacks(policy: Policy, kind: Any) -> tuple[Any, ...]:
    """Compile the callbacks, or read them from disk."""
    shape = ",".join(str(each.dtype) for each in kind.types)
    state_at = arrays_at(kind)
    made: list[Any] = []
    for name in ORDER:
        hook = policy.hooks.get(name)
        if hook is None:
            made.append(None)
            continue
        wrapper = WRAPPERS[name](hook, state_at)
        wrapper = wrapper if policy.builtin else noting(wrapper, ORDER.index(name))
        made.append(jit.callback(wrapper, SIGNATURE, f"{name}[{policy.identity},{shape}]", keep=policy.builtin))
    return tuple(made)


def _compiled_prefetcher(policy: Policy, kind: Any) -> Any:
    """Return the callback of a prefetcher over one type of state, made once in a process."""
    key = (policy.identity, policy.checked, kind)
    if ("on_access", *key) not in _made:
        shape = ",".join(str(each.dtype) for each in kind.types)
        behind = arrays_at(types.UniTuple(types.Array(types.int64, 1, "C"), 2), len(kind.types))
        wrapper = with_access(policy.hooks["on_access"], arrays_at(kind), behind)
        name = f"on_access[{policy.identity},{shape}]"
        _made["on_access", *key] = (jit.callback(wrapper, SIGNATURE, name, keep=policy.builtin),)
    return _made["on_access", *key][0]


_GATE = ("on_access", "admit", "prefer")


def _compiled_admission(policy: Policy, kind: Any) -> tuple[Any, ...]:
    """Return the callbacks of an admission over one type of state, made once in a process."""
    key = ("admission", policy.identity, policy.checked, kind)
    if key not in _made:
        shape = ",".join(str(each.dtype) for each in kind.types)
        behind = arrays_at(types.UniTuple(types.Array(types.int64, 1, "C"), 1), len(kind.types))
        made: list[Any] = []
        for name in _GATE:
            hook = policy.hooks.get(name)
            if hook is None:
                made.append(None)
                continue
            wrapper = {"on_access": with_request, "admit": with_answer}.get(name, with_victim)(
                hook, arrays_at(kind), *([behind] if name == "prefer" else [])
            )
            made.append(jit.callback(wrapper, SIGNATURE, f"{name}[{policy.identity},{shape}]", keep=policy.builtin))
        _made[key] = tuple(made)
    return _made[key]


def _plain_gate(hook: Any, state: Any, against: np.ndarray | None) -> Callable[[int, int, int, int], int]:
    def call(key: int, size: int, now: int, next_use: int) -> int:
        given = (key,) if against is None else (key, int(against[0]))
        return int(bool(hook(state, *given, Request(key, size, now, next_use))))

    return call


def _plain_hook(policy: Policy, name: str, state: Any) -> int:
    hook = policy.hooks.get(name)
    if hook is None:
        return 0
    takes_request, takes_key = name != "on_remove", name != "victim"

    def call(key: int, size: int, now: int, next_use: int) -> int:
        given: tuple[Any, ...] = (state,)
        given += (key,) if takes_key else ()
        given += (Request(key, size, now, next_use),) if takes_request else ()
        result = hook(*given)
        return int(result) if name in ("victim", "admit") else 0

    _plain.append(call)
    return len(_plain) - 1


if jit.DISABLED:

    def call_hook(address: int, fields: int, key: int, size: int, now: int, next_use: int) -> int:
        """Call the hook with this number."""
        return _plain[address](key, size, now, next_use)

else:

    @intrinsic
    def call_hook(typing_context, address, fields, key, size, now, next_use):  # type: ignore[no-untyped-def]
        """Call the hook at ``address`` for the state whose fields table is at ``fields``; for compiled loops."""

        def code(context, builder, signature, args):  # type: ignore[no-untyped-def]
            word = ir.IntType(64)
            kind = ir.FunctionType(word, [word.as_pointer(), word, word, word, word])
            function = builder.inttoptr(args[0], kind.as_pointer())
            table = builder.inttoptr(args[1], word.as_pointer())
            return builder.call(function, [table, *args[2:]])

        return types.int64(*[types.int64] * 6), code
