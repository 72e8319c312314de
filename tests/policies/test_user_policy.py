"""A user's own file: it works by its path, and each mistake is one line that points into it."""

import numpy as np
import pytest
from policies.streams import stream

from hiersim import jit, policies
from hiersim.drivers.cache_study import study
from hiersim.errors import PolicyError

MINE = '''"""Most recently used leaves first.

Mine, 2026.
"""
from typing import NamedTuple

import numpy as np


class Params(NamedTuple):
    """One."""

    step: int = 1
    share: float = 0.5


class State(NamedTuple):
    """Times of use."""

    last: np.ndarray  # int64[objects]: when used last; -1 if not here


def init(setup):
    return State(np.full(setup.objects, -1, np.int64))


def on_insert(state, key, req):
    touch(state, key, req)


def on_hit(state, key, req):
    touch(state, key, req)


def on_remove(state, key):
    state.last[key] = -1


def victim(state, req):
    return np.argmax(state.last)


def touch(state, key, req):
    state.last[key] = req.now
'''


@pytest.fixture
def write(tmp_path):
    """Write mine.py with one replacement in its text; give its path."""

    def write_file(old="", new=""):
        assert old in MINE
        (tmp_path / "mine.py").write_text(MINE.replace(old, new))
        return str(tmp_path / "mine.py")

    return write_file


def test_it_runs(write):
    keys = stream(1, 500, 40)
    inside, last, victims = set(), {}, []
    for now, key in enumerate(keys.tolist()):
        if key not in inside and len(inside) == 12:
            gone = max(inside, key=last.get)
            inside.remove(gone)
            victims.append(gone)
        inside.add(key)
        last[key] = now
    assert study(keys, None, write(), 12, victims=True).victims.tolist() == victims


def test_it_may_refuse(write):
    """Even keys alone come in; a study says how many it denied."""
    keys, even = stream(1, 500, 40), "def admit(state, key, req):\n    return key % 2 == 0\n\n\n"
    found = study(keys, None, write("def victim(", f"{even}def victim("), 12, victims=True)
    plain = study(keys[keys % 2 == 0], None, write(), 12, victims=True)
    assert found.denied == int((keys % 2).sum()) > 0
    assert found.victims.tolist() == plain.victims.tolist()
    assert found.evictions == found.misses - found.denied - 12


def test_it_is_described(write):
    [described] = policies.describe(write())
    assert described.summary == "Most recently used leaves first."
    assert described.citation == "Mine, 2026."
    assert described.params == {"step": 1, "share": 0.5}


def test_parameters(write):
    path = write()
    assert policies.find(f"{path}:step=3,share=0.25").params == (3, 0.25)
    assert policies.find("s3fifo:small=0.2").params.small == 0.2
    assert policies.find("s3fifo-2023").params.overflow == 0
    with pytest.raises(PolicyError, match=r"no parameter `stp`; did you mean `step`\?"):
        policies.find(f"{path}:stp=3")
    with pytest.raises(PolicyError, match="step must be a whole number, got `x`"):
        policies.find(f"{path}:step=x")
    with pytest.raises(PolicyError, match="small must lie between 0 and 1, got 2"):
        policies.find("s3fifo:small=2")
    with pytest.raises(PolicyError, match="`lru:x=1`: it has no parameters"):
        policies.find("lru:x=1")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("def on_hit(state, key, req)", "def on_hot(state, key, req)", r"no on_hit\(state, key, req\)"),
        ("def victim(state, req)", "def victim(state)", r"victim takes \(state\), expected \(state, req\) \(line 39\)"),
        ("np.full(setup.objects", "np.full(setup.object", r"init fails: AttributeError: .*'object'.* \(line 24\)"),
        ("return State(np.full(setup.objects, -1, np.int64))", "return 3", "init returns int, expected a NamedTuple"),
        (
            "np.full(setup.objects, -1, np.int64)",
            "np.zeros((2, 2))",
            "the state's `last` must be a one-dimensional array",
        ),
        ("np.full(setup.objects, -1, np.int64)", "setup.objects", "the state's `last` must be a one-dimensional array"),
        ("import numpy as np", "import numpy as np\nimport nothing_of_the_kind", r"ModuleNotFoundError.*\(line 8\)"),
        ("def init(setup):", "def init(setup) -", r"\(line 23\)"),
    ],
)
def test_mistakes(write, old, new, message):
    with pytest.raises(PolicyError, match=message) as caught:
        policies.find(write(old, new))
    text = str(caught.value)
    assert "\n" not in text
    assert "mine.py" in text


@pytest.mark.skipif(jit.DISABLED, reason="found when compiled")
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("np.argmax(state.last)", "state.oldest[0]", r"victim does not compile: .*oldest.*\(line 40\)"),
        ("np.argmax(state.last)", "state.last[0] / 2", "victim returns float64, expected a key"),
        ("np.argmax(state.last)", "state.last.copy()[0]", "victim does not compile"),
        (
            "def touch(",
            "def admit(state, key, req):\n    return 1\n\n\ndef touch(",
            "admit returns .*expected True or False",
        ),
        ("    state.last[key] = req.now", "    state.last[key] = req.when", r"on_insert does not compile: .*when"),
    ],
)
def test_mistakes_that_compiling_finds(write, old, new, message):
    with pytest.raises(PolicyError, match=message) as caught:
        policies.find(write(old, new))
    assert "\n" not in str(caught.value)


def test_a_key_that_is_not_here(write):
    path = write("return np.argmax(state.last)", "return 3")
    with pytest.raises(PolicyError, match="victim returned 3, which is not in the cache, at access 2"):
        study(np.array([0, 1, 2, 3], np.int32), None, path, 2)


def test_an_index_out_of_range(write):
    path = write("    state.last[key] = req.now", "    state.last[key + 2] = req.now")
    with pytest.raises(PolicyError, match=r"mine\.py.*IndexError"):
        study(np.array([0, 1, 2, 3], np.int32), None, path, 4)


SHEDS = """    return np.argmax(state.last)


def surplus(state):
    here = 0
    for key in range(state.last.shape[0]):
        here += state.last[key] >= 0
    return np.argmax(state.last) if here > 2 else -1
"""


def test_it_may_give_up_keys_though_there_is_room(write):
    path, keys = write("    return np.argmax(state.last)\n", SHEDS), np.array([0, 1, 2, 3, 2, 1, 0], np.int32)
    result = study(keys, None, path, 5, victims=True)
    assert result.victims.tolist() == [2, 3, 2]
    assert (result.misses, result.evictions, result.resident) == (5, 3, 2)


def test_a_surplus_key_that_is_not_here(write):
    path = write("    return np.argmax(state.last)\n", SHEDS.replace("return np.argmax(state.last) if", "return 3 if"))
    with pytest.raises(PolicyError, match=r"surplus returned 3, which is not in the cache, at access 2 \(line 43\)"):
        study(np.array([0, 1, 2, 3], np.int32), None, path, 4)


LEAST_RECENT = """oldest = -1
    for key in range(state.last.shape[0]):
        if state.last[key] >= 0 and (oldest < 0 or state.last[key] < state.last[oldest]):
            oldest = key
    return oldest"""


def test_an_edited_file_is_read_anew(write):
    keys = stream(1, 300, 40)
    first = study(keys, None, write(), 12).misses
    second = study(keys, None, write("return np.argmax(state.last)", LEAST_RECENT), 12).misses
    assert second == study(keys, None, "lru", 12).misses != first


def test_names():
    with pytest.raises(PolicyError, match=r"no policy `lur`; did you mean `lru`\?"):
        policies.find("lur")
    with pytest.raises(PolicyError, match=r"`\./none\.py`: no such file"):
        policies.find("./none.py")


@pytest.mark.parametrize("name", policies.NAMES)
def test_every_policy_says_what_it_is(name):
    [described] = policies.describe(name)
    assert described.name == name
    assert 20 < len(described.summary) <= 120
    assert any(character.isdigit() for character in described.citation)
    assert described.needs_future or name != "opt"
