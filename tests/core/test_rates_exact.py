"""Max-min fair rates in exact fractions, against the twin's float recurrence: one filling, and whole runs of flows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.core.calendar import Calendar
from oracle.core.devices_exact import Device, Flows, Norm, Turns, fill_devices
from oracle.core.hops import Bound, Hop
from oracle.core.rates import Flow, Group, Rates

exactly = settings(derandomize=True, deadline=None, max_examples=300)


@dataclass
class Net:
    """Bounds by number: what a byte costs each flow on them, and each flow's class, bytes and start."""

    bounds: int
    flows: list[tuple[int, dict[int, float], int, int]]  # class, costs by bound, bytes, start


COSTS = (1.0, 2.0, 0.5, 3.0, 0.3, 1 / 3, 7.0)


@st.composite
def nets(draw, most: int = 6) -> Net:
    bounds = draw(st.integers(1, 4))
    costs = st.dictionaries(st.integers(0, bounds - 1), st.sampled_from(COSTS), min_size=1)
    flow = st.tuples(st.sampled_from((0, 0, 1, 2)), costs, st.integers(1, 50), st.sampled_from((0, 0, 1, 5, 20)))
    return Net(bounds, draw(st.lists(flow, min_size=1, max_size=most)))


def fill(flows: list[tuple[int, dict[int, Fraction]]], limits: dict[tuple[int, int], Fraction]) -> list[Fraction]:
    """Progressive filling of single flows: raise all open ones together, freeze those on the bound that is full."""
    residual = {k: Fraction(1) for _, costs in flows for k in costs}
    rates: list[Fraction] = [Fraction(0)] * len(flows)
    for c in (0, 1, 2):
        room = {k: min(left, limits.get((k, c), Fraction(1))) for k, left in residual.items()}
        before = dict(room)
        rising = {i for i, (traffic_class, _) in enumerate(flows) if traffic_class == c}
        while rising:
            load = {k: sum((flows[i][1].get(k, Fraction(0)) for i in rising), Fraction(0)) for k in room}
            step = min(room[k] / load[k] for k in room if load[k])
            for i in rising:
                rates[i] += step
            room = {k: room[k] - step * load[k] for k in room}
            full = {k for k in room if load[k] and not room[k]}
            rising -= {i for i in rising if full & flows[i][1].keys()}
        residual = {k: residual[k] - (before[k] - room[k]) for k in residual}
    return rates


class Wires:
    """What ``Rates`` needs of a topology: bounds."""

    def __init__(self, count: int) -> None:
        self.bounds = [Bound(k, Hop(k, f"h{k}", 1, None, "fifo", []), "bandwidth") for k in range(count)]


def rates_of(net: Net) -> Rates:
    rates = Rates(Wires(net.bounds), Calendar())
    for number, (traffic_class, costs, size, _) in enumerate(net.flows):
        join(rates, number, traffic_class, costs, size)
    return rates


@dataclass(frozen=True)
class Crossed:
    """A leg of a route: a hop, of which the order of groups needs the number."""

    number: int
    direction: str = "read"

    @property
    def hop(self) -> Crossed:
        return self


def route(bounds: Iterable[int]) -> tuple[Crossed, ...]:
    return tuple(map(Crossed, sorted(bounds)))


def join(rates: Rates, number: int, traffic_class: int, costs: dict[int, float], size: int, ends=lambda: None) -> Flow:
    flow = Flow(None, size, 0, number, ends)
    costs_in_order = tuple((rates.bounds[k], cost) for k, cost in sorted(costs.items()))
    rates.join(flow, route(costs), traffic_class, costs_in_order)
    return flow


def exact(costs: dict[int, float]) -> dict[int, Fraction]:
    return {k: Fraction(cost) for k, cost in costs.items()}


def agree(rates: Rates, net: Net, limits: dict[tuple[int, int], Fraction]) -> None:
    expected = fill([(c, exact(costs)) for c, costs, _, _ in net.flows], limits)
    found = {flow.number: rate for group, (rate, _) in rates.fill().items() for flow in group.flows}
    for number, rate in enumerate(expected):
        assert math.isclose(found[number], rate, rel_tol=1e-9, abs_tol=1e-12), number


@exactly
@given(nets())
def test_rates_are_those_of_exact_filling(net):
    agree(rates_of(net), net, {})


@exactly
@given(nets(), st.dictionaries(st.tuples(st.integers(0, 3), st.integers(0, 2)), st.sampled_from((0.0, 0.25, 0.5))))
def test_limits_bound_a_class(net, limits):
    rates = rates_of(net)
    for (k, c), share in limits.items():
        if k < net.bounds:
            rates.set_limit(rates.bounds[k], c, share)
    agree(rates, net, {key: Fraction(share) for key, share in limits.items()})


@exactly
@given(nets())
def test_no_bound_is_overdrawn_and_every_flow_has_a_full_bound(net):
    rates = rates_of(net)
    filled: dict[Group, tuple] = rates.fill()
    used = {bound: 0.0 for bound in rates.bounds}  # noqa: C420
    for group, (rate, _) in filled.items():
        for bound, cost in group.costs:
            used[bound] += cost * rate * group.n
    assert all(share <= 1 + 1e-9 for share in used.values())
    for group, (_, binding) in filled.items():
        assert used[binding] >= 1 - 1e-8
        assert binding in [bound for bound, _ in group.costs]


def ends_exactly(net: Net, rounded: bool) -> list[Fraction]:
    """When each flow ends if bytes are fractions; rates hold from one start or end to the next."""
    left = [Fraction(size) for _, _, size, _ in net.flows]
    ends: dict[int, Fraction] = {}
    now = Fraction(0)
    while len(ends) < len(net.flows):
        flowing = [i for i, flow in enumerate(net.flows) if flow[3] <= now and i not in ends]
        rates = fill([(net.flows[i][0], exact(net.flows[i][1])) for i in flowing], {})
        finishes = [now + left[i] / rate for i, rate in zip(flowing, rates, strict=True) if rate]
        finishes = [Fraction(math.ceil(at)) for at in finishes] if rounded else finishes
        then = min(finishes + [Fraction(flow[3]) for flow in net.flows if flow[3] > now])
        for i, rate in zip(flowing, rates, strict=True):
            left[i] -= rate * (then - now)
            if left[i] <= 0:
                ends[i] = then
        now = then
    return [ends[i] for i in range(len(net.flows))]


def ends_of_twin(net: Net) -> list[int]:
    calendar = Calendar()
    rates = Rates(Wires(net.bounds), calendar)
    ends: dict[int, int] = {}

    def start(number: int) -> None:
        traffic_class, costs, size, _ = net.flows[number]

        def end() -> None:
            ends[number] = calendar.now
            rates.leave(flow)

        flow = join(rates, number, traffic_class, costs, size, end)

    for number, flow in enumerate(net.flows):
        calendar.at(flow[3], (1, 0, 0, number), lambda number=number: start(number))
    calendar.run(lambda begin, end: None, lambda: True)
    return [ends[number] for number in range(len(net.flows))]


@exactly
@given(nets())
def test_whole_runs_agree_with_fractions(net):
    """Floats may round an end that is a whole number up by one, once per event."""
    for exactly_at, at in zip(ends_exactly(net, rounded=True), ends_of_twin(net), strict=True):
        assert abs(at - exactly_at) <= 2 * len(net.flows)


@exactly
@given(nets())
def test_rounding_ends_up_costs_a_picosecond_per_event(net):
    """Of flows that start together: a later one may meet the last bytes of one that rounding made late."""
    together = Net(net.bounds, [(*flow[:3], 0) for flow in net.flows])
    for exactly_at, at in zip(ends_exactly(together, rounded=False), ends_of_twin(together), strict=True):
        assert abs(at - exactly_at) <= len(net.flows)


a_turning_one = st.builds(
    Turns, st.sampled_from((0.0, 0.3, 1.0, 2.5)), st.sampled_from(((0.0, 0.0), (0.25, 0.0), (0.1, 0.25)))
)
a_smooth_one = st.builds(Norm, st.sampled_from((1, 2, 3, 6)), st.sampled_from(((0.0, 0.0, 0.0), (0.25, 0.0, 0.0))))


@st.composite
def joined(draw, device: st.SearchStrategy) -> tuple[list[Device], Flows]:
    devices = draw(st.lists(device, min_size=1, max_size=3))
    flows: Flows = []
    for _ in range(draw(st.integers(1, 6))):
        crossed = draw(st.sets(st.integers(0, len(devices) - 1), min_size=1))
        flows.append((draw(st.sampled_from((0, 0, 1, 2))), {d: draw(shares(devices[d])) for d in sorted(crossed)}))
    return devices, flows


def shares(device: Device) -> st.SearchStrategy[tuple[float, ...]]:
    """A flow reads or writes; all have bytes, and some operations or dies."""
    cost, none = st.sampled_from(COSTS), st.just(0.0)
    if isinstance(device, Turns):
        return st.one_of(st.tuples(cost, none), st.tuples(none, cost))
    return st.tuples(cost, st.one_of(none, cost), st.one_of(none, cost))


def filled_by_twin(devices: list[Device], flows: Flows) -> list[float]:
    wires, by_device = Wires(0), []
    for device in devices:
        by_device.append(device.bounds(len(wires.bounds)))
        wires.bounds += by_device[-1]
    rates = Rates(wires, Calendar())
    for number, (traffic_class, crossed) in enumerate(flows):
        costs = [pair for d, of in crossed.items() for pair in zip(by_device[d], devices[d].costs(of), strict=True)]
        on = tuple((bound, cost) for bound, cost in costs if cost)
        rates.join(Flow(None, 1, 0, number, lambda: None), route(crossed), traffic_class, on)
    found = {flow.number: rate for group, (rate, _) in rates.fill().items() for flow in group.flows}
    return [found[number] for number in range(len(flows))]


def agree_on_devices(net: tuple[list[Device], Flows]) -> None:
    for found, expected in zip(filled_by_twin(*net), fill_devices(*net), strict=True):
        assert math.isclose(found, expected, rel_tol=1e-7, abs_tol=1e-8)


@exactly
@given(joined(a_turning_one))
def test_one_of_two_accounts_is_what_turning_costs(net):
    agree_on_devices(net)


@exactly
@given(joined(a_smooth_one))
def test_a_smooth_minimum_is_a_p_norm(net):
    agree_on_devices(net)
