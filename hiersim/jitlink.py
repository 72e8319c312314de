"""Compiling functions that only compiled code calls: to LLVM's intermediate code, which their callers link in.

Numba makes machine code of every function, however many callers inline it; of these it is never run. Here they are
typed, lowered and lightly optimised; whoever calls them optimises the whole once more, as Numba does anyway. That
halves the time to compile the timed core, and what comes out is as fast.
"""

# mypy: disallow-untyped-calls=false
from __future__ import annotations

import ctypes
from typing import Any

from llvmlite import binding as llvm
from numba import _dynfunc, types  # type: ignore[attr-defined]
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder, compile_result
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering
from numba.np import arrayobj

PLAIN = ("_ZN7hiersim8policies", "_ZN7hiersim7drivers10cache_loop")  # whose symbols begin so

_from_the_end = arrayobj.fix_integer_index


def _index(context: Any, builder: Any, kind: Any, index: Any, size: Any) -> Any:
    """Take an index as it is where no index ever counts from the end: the look whether it does costs a tenth there."""
    if builder.function.name.startswith(PLAIN):
        return context.cast(builder, index, kind, types.intp if kind.signed else types.uintp)
    return _from_the_end(context, builder, kind, index, size)


arrayobj.fix_integer_index = _index


class LinkedLibrary(JITCodeLibrary):
    """The code of a function that is only linked into others."""

    def _optimize_final_module(self) -> None:
        made = self._codegen._module_pass_manager(
            loop_vectorize=False, slp_vectorize=False, opt=self._codegen._opt_level, cost="cheap"
        )
        passes, *builder = made if isinstance(made, tuple) else (made,)  # before Numba 0.62 there is no builder
        passes.run(self._final_module, *builder)

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class LowerToLink(NativeLowering):
    """Lower a function into a ``LinkedLibrary``."""

    _name = "lower_to_link"

    def run_pass(self, state: Any) -> bool:
        """Put what Numba's own pass gives into ``state``, but without machine code."""
        library = state.library = LinkedLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        library.enable_object_caching()
        state.flags.no_compile = True
        super().run_pass(state)
        library.finalize()
        lowered = state["cr"]
        call = _no_code(lowered.fndesc, lowered.env, library)
        state.targetctx.insert_user_function(call, lowered.fndesc, [library])
        state.reload_init.extend(library._reload_init)
        state["cr"] = lowered._replace(cfunc=call)
        return True


class LinkCompiler(CompilerBase):
    """Numba's compiler with ``LowerToLink`` in the place of its lowering."""

    def define_pipelines(self) -> list[Any]:
        """Return the one pipeline."""
        manager = DefaultPassBuilder.define_nopython_pipeline(self.state)
        manager.passes = [
            (LowerToLink, "lower to link") if each is NativeLowering else (each, told) for each, told in manager.passes
        ]
        manager.finalize()
        return [manager]


def reduce(result: Any) -> tuple[Any, ...]:
    """Return the parts of a compiled form that `rebuild` needs, all of which can be pickled."""
    result.fndesc.typemap = result.fndesc.calltypes = None
    code = result.library._get_module_for_linking().as_bitcode()
    return result.library.name, code, result.fndesc, result.environment, result.signature, result.reload_init


def rebuild(
    context: Any, name: str, code: bytes, description: Any, environment: Any, signature: Any, reload_init: Any
) -> Any:
    """Return the compiled form that `reduce` was given."""
    for again in reload_init:
        again()
    library = LinkedLibrary(context.codegen(), name)
    library._final_module = library._shared_module = llvm.parse_bitcode(code)
    library._finalized = True
    return compile_result(
        typing_context=context.typing_context,
        target_context=context,
        library=library,
        environment=environment,
        entry_point=_no_code(description, environment, library),
        fndesc=description,
        signature=signature,
        objectmode=False,
        lifted=(),
        reload_init=reload_init,
    )


def widen(function: Any) -> Any:
    """Let a compiled function take whole numbers and truth values as int64 alone, so that it is compiled once."""
    plain = function.get_call_template

    def template(args: Any, names: Any) -> Any:
        return plain(tuple(map(_wide, args)), {name: _wide(kind) for name, kind in names.items()})

    function.get_call_template = template
    return function


def _wide(kind: Any) -> Any:
    narrow = isinstance(kind, types.Integer | types.Boolean | types.IntegerLiteral | types.BooleanLiteral)
    return types.int64 if narrow and kind != types.uint64 else kind


def _no_code(description: Any, environment: Any, library: Any) -> Any:
    """Return what a call from Python calls in the place of machine code: a TypeError."""
    name, module = description.qualname.split(".")[-1], description.lookup_module()
    return _dynfunc.make_function(module, name, "linked only", _TYPE_ERROR, environment, (library,))


_TYPE_ERROR = ctypes.cast(ctypes.pythonapi.PyErr_BadArgument, ctypes.c_void_p).value
