"""Functions that only compiled code calls have no machine code of their own, and are kept on disk all the same."""

from types import FunctionType

import numpy as np
import pytest

from hiersim import jit, jitlink

pytestmark = pytest.mark.skipif(jit.DISABLED, reason="nothing is compiled")


@jit.hot
def doubled(number):
    return 2 * number


@jit.inner
def doubled_once_more(number):
    return doubled(doubled(number))


@jit.kernel
def entry(number):
    return doubled_once_more(number) + doubled(number)


@jit.kernel
def of_all_kinds(narrow, wide, real):
    return doubled(narrow), doubled(narrow > 1), doubled(3), doubled(wide), doubled(real)


def libraries(function):
    return [form.library for form in function.overloads.values()]


def test_kernels_link_them_in():
    assert entry(3) == 18
    for function in (doubled, doubled_once_more):
        assert libraries(function)
        assert all(isinstance(library, jitlink.LinkedLibrary) for library in libraries(function))
        assert all(library._compiled_object is None for library in libraries(function))
    assert all(library._compiled_object for library in libraries(entry))


def test_a_call_from_python_is_an_error():
    assert entry(1) == 6
    with pytest.raises(TypeError):
        doubled(1)
    assert doubled.py_func(1) == 2


def test_whole_numbers_share_one_form():
    wide = np.uint64(2**63)
    assert of_all_kinds(np.uint8(200), wide, 0.25) == (400, 2, 6, 0, 0.5)
    assert {str(form) for (form,) in doubled.overloads} == {"int64", "uint64", "float64"}


def test_a_form_from_disk_is_linked_in_its_place():
    entry(1)
    (form,) = doubled_once_more.overloads.values()
    context = form.target_context
    again = jitlink.rebuild(context, *jitlink.reduce(form))
    assert again.signature == form.signature
    assert again.fndesc.mangled_name == form.fndesc.mangled_name
    assert {each.name for each in again.library.get_defined_functions()} == {
        each.name for each in form.library.get_defined_functions()
    }


def last(array):
    return array[-1]


@pytest.mark.parametrize("module", ["hiersim.policies.made", "hiersim_policy_made"])
def test_only_a_users_index_counts_from_the_end(module):
    """In a policy of the package a negative one is a mistake, which the checked form tells."""
    checked = jit.checked(FunctionType(last.__code__, {"__name__": module}, "last"))

    def call(array):
        return checked(array)

    run = jit.specialised(call, f"last[{module}]", keep=False)
    if module == "hiersim_policy_made":
        assert run(np.arange(5)) == 4
    else:
        with pytest.raises(IndexError):
            run(np.arange(5))
