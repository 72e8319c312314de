# ruff: noqa: E501 - tables, one line each
"""A user's own policy with one mistake each, on the command line: one clear line that points into the file."""

import re

import pytest
from cli.conftest import SCENARIO

from hiersim import jit

TRACE = "time,id,size\n" + "".join(f"{i},{i % 7},100\n" for i in range(60))
MINE = '''\
"""The newest leaves first."""

from typing import NamedTuple

import numpy as np


class Params(NamedTuple):
    step: int = 1


class State(NamedTuple):
    last: np.ndarray


def init(setup):
    return State(np.full(setup.objects, -1, np.int64))


def on_insert(state, key, req):
    state.last[key] = req.now


def on_hit(state, key, req):
    state.last[key] = req.now


def on_remove(state, key):
    state.last[key] = -1


def victim(state, req):
    return np.argmax(state.last)
'''
ARRAY = "State(np.full(setup.objects, -1, np.int64))"
CHOICE = "return np.argmax(state.last)"
IN_PYTHON = {  # what stands there, what is put in its place, what is said; found without compiling
    "syntax error": ("def victim(state, req):", "def victim(state, req)", r"expected ':' \(line 32\)"),
    "wrong indentation": (CHOICE, "    " + CHOICE + "\n  3", r"unindent .* \(line 34\)"),
    "missing function": ("def on_remove(", "def on_removal(", r"no on_remove\(state, key\)"),
    "too few arguments": ("on_hit(state, key, req)", "on_hit(state, key)", r"on_hit takes \(state, key\), expected \(state, key, req\) \(line 24\)"),
    "a list of arguments": ("on_hit(state, key, req)", "on_hit(*args)", r"on_hit takes \(\*args\), expected .* \(line 24\)"),
    "no NamedTuple": (ARRAY, "[np.zeros(3)]", r"init returns list, expected a NamedTuple of arrays \(line 16\)"),
    "nothing returned": ("return State", "State", r"init returns NoneType, expected a NamedTuple of arrays \(line 16\)"),
    "a class that is none": ("State(NamedTuple)", "State", r"init fails: TypeError: State\(\) takes no arguments \(line 17\)"),
    "two dimensions": (ARRAY, "State(np.zeros((3, 2)))", r"the state's `last` must be a one-dimensional array; .* \(line 16\)"),
    "a number": (ARRAY, "State(3)", r"the state's `last` must be a one-dimensional array; .* \(line 16\)"),
    "objects": (ARRAY, "State(np.full(4, None))", r"the state's `last` holds object, expected numbers \(line 16\)"),
    "an unknown attribute": ("setup.objects", "setup.objcts", r"init fails: AttributeError: .*objcts.* \(line 17\)"),
    "too much memory": ("setup.objects", "setup.objects * 10**13", r"init fails: .*MemoryError: .* \(line 17\)"),
    "a decorator": ("def victim", "@property\ndef victim", r"victim must be a plain function of this file, without a decorator \(line 33\)"),
    "a wrapper": ("def victim", "import functools\n\n@functools.cache\ndef victim", r"victim must be a plain .* \(line 35\)"),
    "a missing module": ("import numpy as np", "import nunpy as np", r"ModuleNotFoundError: No module named 'nunpy' \(line 5\)"),
    "an exit": ("import numpy as np", "import numpy as np\nraise SystemExit", r"SystemExit \(line 6\)"),
    "a parameter without default": ("step: int = 1", "step: int", r"each parameter in Params needs a default .*'step'.*"),
    "parameters that are no NamedTuple": ("class Params(NamedTuple):", "class Params:", r"Params must be a NamedTuple"),
    "a check that fails": ("class State", "def check_params(params):\n    return 1 / 0\n\n\nclass State", r"check_params fails: ZeroDivisionError: .* \(line 13\)"),
    "a size that is a text": ("class State", "def largest(setup):\n    return 'x'\n\n\nclass State", r"largest returns str, expected bytes \(an integer\) \(line 12\)"),
    "a size that fails": ("class State", "def largest(setup):\n    return setup.size\n\n\nclass State", r"largest fails: AttributeError: .* \(line 13\)"),
    "a failure at the run's size": ("    return State", "    if setup.objects == 7:\n        raise ValueError('seven')\n    return State", r"init fails: ValueError: seven \(line 18\)"),
    "predictions of nothing known": ("import numpy as np", "import numpy as np\n\nNEEDS_FUTURE = True\nPREDICTS = 'discrd'", r"PREDICTS is one of next_use, discard, phase, .*; got 'discrd'; did you mean `discard`\?"),
    "predictions without the future": ("import numpy as np", "import numpy as np\n\nPREDICTS = 'discard'", r"PREDICTS is one of .*, and needs NEEDS_FUTURE = True; got 'discard'"),
    "a parameter that is a list": ("step: int = 1", "step: list = []", r"step must be a number or a text in Params, got list"),
}  # fmt: skip
COMPILED = {  # found when a function is compiled alone
    "a fraction for a key": (CHOICE, "return state.last[0] / 2", r"victim returns float64, expected a key \(an integer\) \(line 32\)"),
    "no key": (CHOICE, CHOICE[7:], r"victim returns none, expected a key \(an integer\) \(line 32\)"),
    "an undefined name": (CHOICE, "return newest(state)", r"victim does not compile: NameError: name 'newest' is not defined \(line 33\)"),
    "an unknown function": (CHOICE, "return np.argmaxx(state.last)", r"victim does not compile: .*argmaxx.* \(line 33\)"),
    "a new array": (CHOICE, "return state.last.copy()[0]", r"victim does not compile: it makes a new array or list, .* \(line \d+\)"),
    "a global": (CHOICE, "global x\n    x = 3\n    return 3", r"victim does not compile: .*STORE_GLOBAL.*"),
}  # fmt: skip
RUNNING = {  # found while it runs
    "no key found": (CHOICE, "return -1", r"victim returned -1, which is not in the cache, at access 2 \(line 32\)"),
    "a key far below": (CHOICE, "return -(2**62)", r"victim returned -4611686018427387904, which is not in the cache, at access 2 \(line 32\)"),
    "a key that is not here": (CHOICE, "return 6", r"victim returned 6, which is not in the cache, at access 2 \(line 32\)"),
    "an index out of range": ("    state.last[key] = req.now", "    state.last[key + 70] = req.now", r"on_insert fails: IndexError: index 70 is out of .* \(line 21\)"),
}  # fmt: skip
ALL = {**IN_PYTHON, **COMPILED, **RUNNING}


@pytest.mark.parametrize("what", ALL)
def test_one_line_and_exit_code_2(cli, tmp_path, what):
    if jit.DISABLED and what not in IN_PYTHON:
        pytest.skip("found when compiled")
    old, new, said = ALL[what]
    assert old in MINE
    (tmp_path / "mine.py").write_text(MINE.replace(old, new, 1))
    (tmp_path / "t.csv").write_text(TRACE)
    code, out, err = cli("replay", "t.csv", "--policy", "./mine.py", "--capacity", "2")
    lines = [line for line in err.splitlines() if not line.startswith("compiling for this computer")]
    assert (code, out, len(lines)) == (2, "", 2), err
    assert re.fullmatch(rf"(policy  )?policy `(\./)?mine\.py`: {said}", lines[0]), lines[0]
    assert lines[1] == "1 mistake, nothing was run."


def test_a_timed_run_tells_the_line_of_a_wrong_victim(cli, tmp_path):
    (tmp_path / "mine.py").write_text(MINE.replace(CHOICE, "return -1"))
    (tmp_path / "s.yaml").write_text(SCENARIO.replace("1 MiB, policy: lru", "16 KiB, policy: ./mine.py"))
    code, out, err = cli("run", "s.yaml", "--quiet")
    assert (code, out) == (2, "")
    said = r"policy `.*mine\.py` of tier `gddr` chose victim -1, which is not there \(line 32\)"
    assert re.fullmatch(said, err.splitlines()[0]), err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "    state.last[key] = req.now",
            "    state.last[key + 90] = req.now",
            r"on_insert fails: IndexError: .* \(line 21\)",
        ),
        (CHOICE, "return state.last[req.key + 90]", r"victim fails: IndexError: .* \(line 33\)"),
        ("    state.last[key] = -1", "    state.last[key - 900] = -1", r"on_remove fails: IndexError: .* \(line 29\)"),
    ],
)
@pytest.mark.skipif(jit.DISABLED, reason="plain Python tells it itself")
def test_a_timed_run_tells_the_line_that_fails(cli, tmp_path, old, new, said):
    (tmp_path / "mine.py").write_text(MINE.replace(old, new, 1))
    (tmp_path / "s.yaml").write_text(SCENARIO.replace("1 MiB, policy: lru", "16 KiB, policy: ./mine.py"))
    code, out, err = cli("run", "s.yaml", "--quiet")
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"policy `mine\.py`: {said}", err.splitlines()[0]), err


@pytest.mark.parametrize("option", [["--policy", "./mine.py:stp=3"], ["--policy", "./mine.py:step=x"]])
def test_a_wrong_parameter(cli, tmp_path, option):
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "t.csv").write_text(TRACE)
    code, out, err = cli("replay", "t.csv", *option, "--capacity", "2")
    said = {"stp": "no parameter `stp`; did you mean `step`?", "step": "step must be a whole number, got `x`"}
    assert (code, out) == (2, "")
    assert said[option[1].partition(":")[2].partition("=")[0]] in err.splitlines()[0]


def test_admission_by_name(cli, tmp_path):
    (tmp_path / "t.csv").write_text(TRACE)
    code, _, err = cli("replay", "t.csv", "--admission", "tinylfo", "--capacity", "2")
    assert code == 2
    assert err.splitlines()[0].startswith("admission  no admission `tinylfo`; did you mean `tinylfu`?")


@pytest.mark.parametrize("command", ["replay", "compare"])
def test_a_capacity_above_the_footprint_is_no_mistake_but_said(cli, tmp_path, command):
    (tmp_path / "t.csv").write_text(TRACE)
    code, out, err = cli(command, "t.csv", "--policy", "lru", "--capacity", "7,8,1GiB")
    assert code == 0
    assert [line for line in err.splitlines() if not line.startswith("compiling")] == [
        "8 is more than all objects of the trace together (7)",
        "10.7 M is more than all objects of the trace together (7)",
    ]
    assert cli(command, "t.csv", "--policy", "lru", "--capacity", "8", "--quiet")[2] == ""
    assert "11.7%" in out  # each of 7 objects misses once in 60 accesses
