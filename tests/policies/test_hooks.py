"""The C callbacks, called as the timed core calls them: late inserts, removals from the middle, pinned victims."""

import numpy as np
import pytest
from policies.streams import EACH, sizes_of, told, twin

from hiersim import jit, policies
from hiersim.errors import PolicyError
from hiersim.policies import hooks
from hiersim.policies.contract import NEVER, Setup


@jit.kernel
def call(address, fields, key, size, now, next_use):
    return hooks.call_hook(address, fields, key, size, now, next_use)


class Bound:
    """A policy's callbacks and its twin, told the same; every victim is compared."""

    def __init__(self, name, capacity, sizes, uniform):
        self.policy = policies.find(name)
        known = told(name, len(sizes), capacity)
        setup = Setup(capacity, len(sizes), 4096, uniform, **known)
        self.state = self.policy.init(setup)
        self.addresses = hooks.bind_hooks(self.policy, self.state)
        self.table = hooks.fields_table(self.state)
        self.twin, self.sizes, self.now = twin(name, capacity, uniform, len(sizes), **known), sizes, 0

    def call(self, hook, key, later=None):
        address = int(self.addresses[hook])
        if address == 0:
            return 0
        after = NEVER if later is None else later
        return call(address, self.table.ctypes.data, key, int(self.sizes[key]), self.now, after)

    def miss(self, key):
        self.call(hooks.ON_MISS, key)
        self.twin.incoming = int(self.sizes[key])
        self.twin.miss(key)
        if self.addresses[hooks.ADMIT] != 0:
            assert self.call(hooks.ADMIT, key) == self.twin.admit(key, int(self.sizes[key]))

    def insert(self, key, later):
        assert self.call(hooks.ON_INSERT, key, later) == 0
        self.twin.insert(key, int(self.sizes[key]), later)

    def hit(self, key, later):
        assert self.call(hooks.ON_HIT, key, later) == 0
        self.twin.hit(key, later)

    def remove(self, key):
        assert self.call(hooks.ON_REMOVE, key) == 0
        self.twin.remove(key)

    def victim(self, key):
        chosen = self.call(hooks.VICTIM, key)
        assert chosen == self.twin.victim(key, int(self.sizes[key]))
        return chosen


def drive(bound, rng, capacity, steps):
    """Do at random what a tier does: fetches under way, promotions that remove, victims that are pinned."""
    objects = len(bound.sizes)
    inside, arriving, used, chosen = {}, [], 0, 0
    uses = iter(rng.permutation(4096).tolist())  # no two keys are used at the same access
    for now in range(steps):
        bound.now = bound.twin.now = now
        later = None if rng.random() < 0.2 else next(uses)
        act = rng.random()
        key = int(objects * rng.random() ** 2)
        if act < 0.15 and arriving:
            arrived = arriving.pop(0)
            bound.insert(arrived, later)
            inside[arrived] = True
        elif act < 0.25 and inside:
            gone = sorted(inside)[int(rng.integers(len(inside)))]
            bound.remove(gone)
            del inside[gone]
            used -= int(bound.sizes[gone])
        elif key in inside:
            bound.hit(key, later)
        elif key not in arriving and bound.sizes[key] <= capacity:
            bound.miss(key)
            while used + bound.sizes[key] > capacity and inside:
                gone = bound.victim(key)
                chosen += 1
                bound.remove(gone)
                if rng.random() < 0.2:
                    bound.insert(gone, later)  # pinned: back as the newest
                    later = next(uses)
                else:
                    del inside[gone]
                    used -= int(bound.sizes[gone])
            if used + bound.sizes[key] <= capacity:
                arriving.append(key)
                used += int(bound.sizes[key])
    return chosen


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", EACH)
def test_any_order_of_calls(name, seed):
    rng = np.random.default_rng(seed)
    chosen = 0
    for capacity, sizes in ((12, np.ones(40, np.int64)), (40, np.ones(60, np.int64)), (60, sizes_of(seed, 40))):
        uniform = bool(sizes.max() == 1)
        chosen += drive(Bound(name, capacity, sizes, uniform), rng, capacity, 1_500)
    assert chosen > 200


def test_table_names_each_array():
    state = policies.find("sieve").init(Setup(4, 9))
    table = hooks.fields_table(state)
    assert table[1::2].tolist() == [len(array) for array in state]
    assert table[0::2].tolist() == [array.ctypes.data for array in state]


def test_a_missing_hook_has_no_address():
    policy = policies.find("lru")
    addresses = hooks.bind_hooks(policy, policy.init(Setup(4, 9)))
    assert addresses.dtype == np.int64
    assert addresses.shape == (6,)
    assert [addresses[i] == 0 for i in range(6)] == [True, False, False, False, False, True]


@pytest.mark.skipif(jit.DISABLED, reason="with the JIT off, hooks belong to one state")
def test_states_of_one_type_share_callbacks():
    policy = policies.find("lru")
    first, second = (hooks.bind_hooks(policy, policy.init(Setup(4, objects))) for objects in (9, 90))
    assert first.tolist() == second.tolist()


@pytest.mark.skipif(jit.DISABLED, reason="plain Python raises by itself")
def test_failure_in_a_user_hook_is_raised_afterwards(tmp_path):
    file = tmp_path / "over.py"
    file.write_text(
        "from typing import NamedTuple\nimport numpy as np\n"
        "class State(NamedTuple):\n    seen: np.ndarray\n"
        "def init(setup): return State(np.zeros(4))\n"
        "def on_insert(state, key, req): state.seen[key] = 1\n"
        "def on_hit(state, key, req): pass\ndef on_remove(state, key): pass\ndef victim(state, req): return 0\n"
    )
    policy = policies.find(str(file))
    state = policy.init(Setup(4, 9))
    addresses, table = hooks.bind_hooks(policy, state), hooks.fields_table(state)
    with pytest.raises(PolicyError, match=r"over\.py.*IndexError"), hooks.failures(policy):
        call(int(addresses[hooks.ON_INSERT]), table.ctypes.data, 7, 1, 0, NEVER)
    with hooks.failures(policy):
        call(int(addresses[hooks.ON_INSERT]), table.ctypes.data, 3, 1, 0, NEVER)
    assert state.seen.tolist() == [0, 0, 0, 1]
