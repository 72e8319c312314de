"""Parameters of policies, admissions and prefetchers: any text is either taken or refused in one clear line."""

import re

import numpy as np
import pytest

import hiersim as hs
from hiersim import policies
from hiersim.errors import ConfigError, PolicyError
from hiersim.policies import contract, loader
from hiersim.policies.contract import Setup
from hiersim.policies.prefetch import PREFETCH

EXTREME = ["0", "-1", "1", "0.5", "nan", "inf", "-inf", "1e300", "1e-300", "x", "", "1e6", "1000000"]
EXTREME += [str(2**62), str(2**62 + 1), str(2**63), str(-(2**63)), str(10**40)]
EACH = [(family, name) for family in policies.families() for name in family.table]


def refusal(spec, family):
    """Return what is said of a policy that cannot be, or nothing."""
    try:
        loader.find(spec, family=family)
    except PolicyError as why:
        return str(why)
    return ""


@pytest.mark.parametrize(("family", "name"), EACH, ids=[f"{family.kind}-{name}" for family, name in EACH])
def test_any_value_is_taken_or_refused(family, name):
    params = loader.find(name, family=family).params
    for key, default in zip(getattr(params, "_fields", ()), params, strict=True):
        said = {text: refusal(f"{name}:{key}={text}", family) for text in EXTREME}
        refused = [line for line in said.values() if line]
        assert [line for line in refused if key not in line or "\n" in line] == []
        assert 0 < len(refused) < len(EXTREME) or isinstance(default, str)
        for text in (text for text in EXTREME if not said[text]):
            found = loader.find(f"{name}:{key}={text}", family=family)
            for capacity, uniform in ((5, True), (60, False), (2**56, False)):
                setup = Setup(capacity, 16, 64, uniform, 1, parents=np.arange(-1, 15, dtype=np.int32))
                found.init(PREFETCH.sample if family is PREFETCH else setup)


def test_a_share_of_a_capacity_stays_a_number_of_64_bits():
    assert contract.portion(10, 0.55) == 5
    assert contract.portion(2**56, 1e300) == contract.NEVER
    assert contract.portion(3, 2**61) == contract.NEVER


FILE = """from typing import NamedTuple
import numpy as np
class Params(NamedTuple):
    on: bool = False
    how: str = "plain"
class State(NamedTuple):
    last: np.ndarray
def init(setup):
    return State(np.zeros(setup.objects))
def on_insert(state, key, req):
    pass
def on_hit(state, key, req):
    pass
def on_remove(state, key):
    pass
def victim(state, req):
    return 0
"""


def test_switches_and_texts_of_a_file(tmp_path):
    (tmp_path / "mine.py").write_text(FILE)
    path = str(tmp_path / "mine.py")
    for text, value in (("true", True), ("1", True), ("False", False), ("no", False)):
        assert policies.find(f"{path}:on={text},how=odd").params == (value, "odd")
    with pytest.raises(PolicyError, match="on must be true or false, got `maybe`"):
        policies.find(f"{path}:on=maybe")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("clock:bits=1,bits=2", "`clock:bits=1,bits=2`: bits is given twice"),
        ("mq:history=nan", r"history must be a number from -2\^62 to 2\^62, got `nan`"),
        ("S3-FIFO", r"no policy `S3-FIFO`; did you mean `s3fifo`\?"),
        ("LRU", r"no policy `LRU`; did you mean `lru`\?"),
        ("W-TinyLFU", r"did you mean `wtinylfu`\?"),
        ("CLOCK-Pro", r"did you mean `clock-pro`\?"),
        ("second-request", "no policy `second-request`, which is of the kind admission"),
        ("leap", "no policy `leap`, which is of the kind prefetcher"),
    ],
)
def test_names_and_values_that_are_none(spec, message):
    with pytest.raises(PolicyError, match=message):
        policies.find(spec)


@pytest.mark.parametrize("family", policies.families(), ids=lambda family: family.kind)
def test_each_of_a_family_says_what_it_is_and_where_it_comes_from(family):
    for each in policies.describe(family=family):
        assert each.kind == family.kind
        assert 20 < len(each.summary) <= 120
        assert re.search(r"\b(19|20)\d\d\b", each.citation)


def test_a_bad_parameter_is_a_mistake_of_the_replay():
    trace = hs.generate("zipf", accesses=50, objects=9, seed=1)
    for options, message in (
        ({"capacity": float("nan")}, "capacity  `nan` is not a capacity"),
        ({"capacity": None}, "capacity  `None` is not a capacity"),
        ({"capacity": 1.5}, "capacity  `1.5` is not a capacity"),
        ({"policy": 5}, "policy  must be a name or the path of a file, got 5"),
        ({"policy": None}, "policy  must be a name or the path of a file, got None"),
        ({"workers": 0}, "workers  must be at least 1, got 0"),
        ({"seed": "a"}, "seed  must be a whole number, got 'a'"),
    ):
        with pytest.raises(ConfigError, match=message):
            hs.replay(trace, **options)
    assert hs.replay(trace, capacity=np.int64(5), admission=None)[0].capacity == 5
