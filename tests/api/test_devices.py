"""What follows from a device's figures, against closed forms and the reference table of bandwidth-delay products."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hiersim.api.device_compare import compare
from hiersim.api.device_effects import both_ways, mixed_bandwidth
from hiersim.api.device_list import KINDS, listing
from hiersim.api.device_numbers import SIZES, Side, derived, requests, requests_of, sides
from hiersim.api.device_routes import balance, devices_of, routes
from hiersim.api.devices import all_parts, device_of_entry, find_device
from hiersim.errors import ConfigError
from hiersim.machine import Machine
from hiersim.machine.catalogue import machine_names
from hiersim.units import parse

PARTS = {device.name: device for device in all_parts()}


def part(sort="tier", **figures):
    """A part with these figures, as the catalogue would have it."""
    return device_of_entry("x", {"is": sort, "title": "x", "figures": figures})


def numbers(device):
    return {number.key: number.value for number in derived(device)}


# bytes in flight of the reference, section 2.3: latency, bandwidth, product as printed there, to two digits
PRODUCTS = {
    "H100 HBM3": ("0.4 us", "3.0 TB/s", 1.2e6),
    "8-ch DDR5": ("98 ns", "283 GB/s", 28e3),
    "CXL x8": ("250 ns", "17.8 GB/s", 4.5e3),
    "NVMe Gen4": ("45 us", "6.9 GB/s", 310e3),
    "NVMe Gen5": ("50 us", "13 GB/s", 650e3),
    "Optane P4800X": ("8.9 us", "2.4 GB/s", 21e3),
}


@pytest.mark.parametrize(("latency", "bandwidth", "product"), PRODUCTS.values(), ids=PRODUCTS)
def test_bandwidth_delay_products_of_the_reference(latency, bandwidth, product):
    found = numbers(part(read_bandwidth=bandwidth, read_latency=latency))
    assert found["read_bandwidth_delay_product"] == pytest.approx(product, rel=0.02)
    assert found["read_half_performance_size"] == found["read_bandwidth_delay_product"]


@pytest.mark.parametrize(
    ("name", "product"),
    [("h100-hbm3", 1.2e6), ("ddr5-4800-8ch", 28e3), ("cxl2-x8-expander-96g", 4.5e3)],
)
def test_bandwidth_delay_products_of_the_catalogue(name, product):
    assert numbers(PARTS[name])["read_bandwidth_delay_product"] == pytest.approx(product, rel=0.03)


def test_a_latency_that_was_measured_with_its_page():
    """The reference's 8.9 us of the P4800X are of a read of 4 KiB; the catalogue has what is left without its bytes."""
    assert numbers(PARTS["p4800x-375g"])["read_bandwidth_delay_product"] + 4096 == pytest.approx(21.36e3, rel=0.001)


def test_a_launch_moves_the_break_even_size_of_pcie():
    found = numbers(PARTS["pcie5-x16"])
    assert found["backward_bandwidth_delay_product"] == pytest.approx(53e3, rel=0.01)
    assert found["backward_half_performance_size"] == pytest.approx(580e3, rel=0.01)


def test_the_operation_rate_has_a_break_even_size():
    found = numbers(part("link", bandwidth="360 GB/s", ops="1.48 Mops/s", latency="0 ns"))
    assert found["forward_ops_break_even"] == pytest.approx(243e3, rel=0.005)
    assert "forward_ops_in_flight" not in found  # nothing waits for a latency of 0


def test_requests_for_an_operation_rate():
    found = numbers(part(read_bandwidth="13 GB/s", read_latency="50 us", read_ops="2.5 MIOPS"))
    assert found["read_ops_in_flight"] == pytest.approx(125)


@given(
    st.floats(1e8, 1e13),
    st.integers(0, 10**9),
    st.one_of(st.none(), st.floats(1e3, 1e9)),
    st.sampled_from([1, 16, 128]),
)
def test_requests_in_flight_are_the_fewest_that_fill_the_bandwidth(bandwidth, latency, ops, depth):
    for each in requests_of(Side("read", bandwidth, latency, 0.0, ops, depth, ())):
        alone = latency / 1e12 + each.size / bandwidth  # seconds of one transfer
        assert each.in_flight * each.size / alone >= bandwidth * (1 - 1e-6)
        if each.in_flight > 1:
            assert (each.in_flight - 1) * each.size / alone <= bandwidth * (1 + 1e-6)
        assert each.alone <= each.at_depth * (1 + 1e-12)
        bounds = (bandwidth, depth * each.size / alone, each.size * (ops or math.inf))
        assert each.at_depth <= min(bounds) * (1 + 1e-9)


def test_a_transfer_of_the_half_performance_size_has_half_of_the_bandwidth():
    device = part(read_bandwidth="10 GB/s", read_latency="6.5536 us")  # n1/2 is 64 KiB
    assert next(r.alone for r in requests(device) if r.size == SIZES[1]) == pytest.approx(5e9)


@pytest.mark.parametrize("writes", [0.1, 1 / 3, 0.5])
@pytest.mark.parametrize("turnaround", ["0", "0.25", "0.5"])
def test_half_duplex_pays_for_turns(writes, turnaround):
    device = part(read_bandwidth="100 GB/s", write_bandwidth="100 GB/s", turnaround=float(turnaround))
    assert mixed_bandwidth(device, writes) == pytest.approx(100e9 / (1 + float(turnaround) * writes))


def test_full_duplex_gains_from_a_mix():
    device = part(duplex="full", read_bandwidth="17.8 GB/s", write_bandwidth="13.6 GB/s")
    assert mixed_bandwidth(device, 0.5) == pytest.approx(27.2e9)
    assert mixed_bandwidth(device, 0.25) == pytest.approx(17.8e9 / 0.75)


def test_the_medium_behind_both_directions_bounds_them():
    both = {"duplex": "full", "read_bandwidth": "17.8 GB/s", "write_bandwidth": "13.6 GB/s"}
    assert mixed_bandwidth(part(**both, media_bandwidth="26 GB/s"), 0.5) == 26e9
    assert mixed_bandwidth(part(**both, media_bandwidth="26 GB/s", turnaround=0.2), 0.5) == pytest.approx(26e9 / 1.1)
    assert sides(part(**both, media_bandwidth="15 GB/s"))[0].bandwidth == 15e9


# PCIe x16 of the reference: read, write, and each way together, in GB/s
@pytest.mark.parametrize(("name", "read", "write"), [("pcie4-x16", 26.37, 25.99), ("pcie5-x16", 52.73, 51.98)])
def test_packets_take_their_headers(name, read, write):
    found = numbers(PARTS[name])
    assert found["effective_backward_bandwidth"] == pytest.approx(read * 1e9, rel=0.005)
    assert found["effective_forward_bandwidth"] == pytest.approx(write * 1e9, rel=0.005)


def test_read_requests_take_from_the_other_direction():
    assert both_ways(PARTS["pcie5-x16"]) == pytest.approx(49.8e9, rel=0.005)
    packets = {"max_payload": "256 B", "completion_header": "20 B", "write_header": "24 B"}
    packets |= {"read_request": "512 B", "request_header": "24 B"}
    link = part("link", bandwidth="60 GB/s", latency="1 us", packets=packets)
    assert both_ways(link) == pytest.approx(60e9 / ((256 + 24) / 256 + 24 / 512))
    assert both_ways(part("link", bandwidth="60 GB/s", duplex="half")) == pytest.approx(30e9)
    turned = part("link", bandwidth="60 GB/s", packets=packets | {"driven_by": "second"})
    first = sides(link)
    assert [side.bandwidth for side in sides(turned)] == [side.bandwidth for side in reversed(first)]


# write amplification of the reference by the spare share of all bytes; a part states it as a share of what is seen
@pytest.mark.parametrize(("spare", "waf"), [(0.07, 7.32), (0.15, 3.52), (0.22, 2.47), (0.28, 1.99), (0.5, 1.26)])
def test_flash_wears_by_its_amplification(spare, waf):
    nand = {
        "dies": 64,
        "page": "16 KiB",
        "read": "50 us",
        "program": "500 us",
        "over_provisioning": spare / (1 - spare),
    }
    figures = {"read_bandwidth": "7 GB/s", "write_bandwidth": "5 GB/s", "endurance": "600 TB"}
    found = numbers(part(nand=nand, **figures))
    assert found["write_amplification_4096"] == pytest.approx(waf, rel=0.005)
    assert found["endurance_4096"] * found["write_amplification_4096"] == pytest.approx(600e12)
    assert found["dies_read_bandwidth"] == pytest.approx(64 * 16384 / 50e-6)
    assert found["dies_write_bandwidth_4096"] == pytest.approx(64 * 16384 / 500e-6 / waf, rel=0.005)


def test_a_large_indirection_unit_amplifies_small_writes():
    found = numbers(part(nand={"dies": 64, "page": "16 KiB", "read": "50 us", "unit": "16 KiB"}))
    assert found["write_amplification_4096"] == 4
    assert found["write_amplification_65536"] == 1


def test_a_write_cache_fills_and_empties():
    cache = {"capacity": "42 GB", "bandwidth": "2 GB/s", "drain": "1 GB/s"}
    figures = {"capacity": "1 TB", "read_bandwidth": "7 GB/s", "write_bandwidth": "5 GB/s", "endurance": "600 TB"}
    found = numbers(part(slc_cache=cache, **figures))
    assert found["slc_fill_time"] == pytest.approx(8.4e12)
    assert found["slc_full_bandwidth"] == 2e9
    assert found["slc_drain_time"] == pytest.approx(42e12)
    assert found["time_to_write_whole"] == pytest.approx((8.4 + 958 / 2) * 1e12)
    assert found["life_at_full_write"] == pytest.approx(300_000e12)


def test_latency_under_load():
    loaded = {"rise": "16.2 ns", "asymptote": 319 / 283}
    found = numbers(part(read_bandwidth="283 GB/s", read_latency="98 ns", loaded_latency=loaded))
    rho = 0.9 * 283 / 319
    assert found["read_latency_at_90"] == pytest.approx((98 + 16.2 * rho / (1 - rho)) * 1000)
    assert found["read_latency_at_90"] == pytest.approx(160e3, rel=0.06)  # measured


def test_energies():
    activation = {"energy": "6.7 nJ", "visit": "256 B", "row": "8 KiB", "banks": 16}
    figures = {"read_energy": "3.9 pJ/bit", "read_bandwidth": "100 GB/s", "background_power": "20 W"}
    found = numbers(part(activation=activation, **figures))
    assert found["read_energy_of_1_gb"] == pytest.approx(31.2e-3 * 1e12)
    assert found["background_energy_of_1_gb"] == pytest.approx(0.2e12)
    assert found["activation_energy_4096"] / 8e9 == pytest.approx(16 * 6700 / (4096 * 8))  # pJ/bit: 16 rows
    assert found["activation_energy_2097152"] / 8e9 == pytest.approx(16 * 16 * 6700 / (2097152 * 8))


def test_units_reach_a_share_of_their_peak():
    found = numbers(part("unit", flops={"bf16": "100 TFLOP/s"}, efficiency=0.5, active_power="100 W"))
    assert found["bf16_reached"] == 50e12
    assert found["bf16_energy"] == pytest.approx(2.0)  # pJ per FLOP


@pytest.mark.parametrize("device", PARTS.values(), ids=PARTS)
def test_every_part_is_told_in_full(device):
    for figure in device.figures.values():
        if figure.dimension:
            assert parse(figure.text, figure.dimension) == figure.value
    for number in derived(device):
        assert math.isfinite(number.value)
        assert number.value >= 0
        assert number.formula
        assert set(number.uses) & set(device.figures), number.key
    keys = [number.key for number in derived(device)]
    assert len(keys) == len(set(keys))
    assert not set(device.required()) & set(device.figures)


def test_absent_figures_are_named():
    device = PARTS["cxl-a-micro23"]
    assert device.required() == ("capacity", "write_bandwidth", "read_latency", "write_latency")
    assert "read_bandwidth_delay_product" not in numbers(device)
    assert requests(device) == []
    assert PARTS["h100-hbm3"].required() == ()


MACHINE = {
    "tiers": {
        "near": {
            "kind": "hbm",
            "capacity": "1 GiB",
            "read_bandwidth": "1 TB/s",
            "write_bandwidth": "500 GB/s",
            "read_latency": "100 ns",
            "write_latency": "200 ns",
            "read_energy": "4 pJ/bit",
        },
        "far": {
            "kind": "ddr",
            "capacity": "8 GiB",
            "read_bandwidth": "40 GB/s",
            "write_bandwidth": "80 GB/s",
            "read_latency": {"value": "300 ns", "source": "a guess", "confidence": "estimate"},
            "write_latency": "400 ns",
            "read_energy": "10 pJ/bit",
            "queue_depth": 64,
        },
    },
    "links": {
        "wire": {
            "kind": "pcie",
            "between": ["near", "far"],
            "bandwidth": "50 GB/s",
            "backward_bandwidth": "60 GB/s",
            "latency": "700 ns",
            "overhead": "1 us",
            "engines": 8,
            "ops": "2 Mops/s",
            "energy": "6 pJ/bit",
        }
    },
    "units": {"gpu": {"kind": "gpu", "tier": "near", "flops": {"bf16": "100 TFLOP/s"}, "efficiency": 0.5}},
}


def test_routes_go_end_to_end():
    machine = Machine.model_validate(MACHINE)
    near, far = routes(machine)
    assert (near.links, near.latency, near.bandwidth, near.bottleneck) == ((), 100e3, 1e12, "near")
    assert (far.links, far.latency, far.bandwidth, far.bottleneck) == (("wire",), 2000e3, 40e9, "far")
    assert far.in_flight == pytest.approx(2e-6 * 40e9)
    assert (far.depth, far.ops, far.energy) == (8, 2e6, 16)
    assert far.estimates == ("tiers.far.read_latency",)
    assert far.requests[4096] == math.ceil(80_000 / 4096) + 1
    write = routes(machine, "write")[1]
    assert (write.latency, write.bandwidth, write.bottleneck, write.energy) == (2100e3, 50e9, "wire", None)
    assert write.estimates == ()


def test_balance_is_compute_over_bandwidth():
    machine = Machine.model_validate(MACHINE)
    assert balance(machine, "gpu", "near") == {"bf16": pytest.approx(50)}
    assert balance(machine, "gpu", "far") == {"bf16": pytest.approx(1250)}
    with pytest.raises(ConfigError, match="no unit `gpo`"):
        balance(machine, "gpo", "near")


@pytest.mark.parametrize("name", machine_names())
def test_routes_of_every_machine(name):
    machine = find_device(name)
    parts = devices_of(machine)
    for each in (*routes(machine), *routes(machine, "write")):
        stated = [parts[f"tiers.{each.tier}"], *(parts[f"links.{link}"] for link in each.links)]
        assert each.bandwidth <= min(max(side.bandwidth for side in sides(device)) for device in stated)
        assert each.latency >= max(min(side.delay for side in sides(device)) for device in stated)
        assert 0 < each.bandwidth < math.inf
        assert set(each.estimates) <= set(machine.estimates())


def test_the_list_is_in_order_from_near_to_far():
    found = listing()
    assert [kind for kind, _ in itertools.groupby(found, lambda each: each.sort)] == ["machine", "tier", "link", "unit"]
    for sort in ("tier", "link", "unit"):
        kinds = [kind for kind, _ in itertools.groupby(each.kind for each in found if each.sort == sort)]
        assert kinds == sorted(kinds, key=KINDS[1:].index if sort != "link" else kinds.index)
        assert len(kinds) == len(set(kinds))
    assert {each.name for each in found} == {*machine_names(), *PARTS}


def test_the_list_is_filtered():
    assert {each.kind for each in listing("hbm,ddr")} == {"hbm", "ddr"}
    assert {each.name for each in listing("machine")} == set(machine_names())
    found = listing(match="SAMSUNG gen5")
    assert [each.name for each in found] == ["pm1743-15t"]
    assert listing(match="no such thing") == []


@pytest.mark.parametrize(
    ("by", "field", "sign"),
    [
        ("bandwidth", "read_bandwidth_bytes_per_s", -1),
        ("capacity", "capacity_bytes", -1),
        ("latency", "latency_ps", 1),
        ("energy", "energy_pj_per_bit", 1),
        ("flops", "flops", -1),
    ],
)
def test_the_list_is_sorted_with_the_unknown_last(by, field, sign):
    for sort in ("tier", "link", "unit"):
        values = [getattr(each, field) for each in listing(sort=by) if each.sort == sort]
        known = [value for value in values if value is not None]
        assert values == [*sorted(known, key=lambda value: sign * value), *[None] * (len(values) - len(known))]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kinds": "hbn"}, "--kind  no kind `hbn`; did you mean `hbm`?"),
        ({"sort": "bandwith"}, "--sort  no order `bandwith`; did you mean `bandwidth`?"),
    ],
)
def test_the_list_knows_its_words(arguments, message):
    with pytest.raises(ConfigError) as caught:
        listing(**arguments)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("pair", [("980-pro-1t", "p4800x-375g"), ("pcie4-x16", "efa-16x200g"), ("gh200", "phone-ufs")])
def test_a_comparison_turns_round(pair):
    there = {row.key: row for row in compare([find_device(name) for name in pair]) if not row.follows}
    back = {row.key: row for row in compare([find_device(name) for name in reversed(pair)]) if not row.follows}
    assert set(there) == set(back)
    for key, row in there.items():
        assert row.values == back[key].values[::-1]
        assert {1 - i for i in row.best} == set(back[key].best)
        if row.ratios[1] and back[key].ratios[1]:
            assert row.ratios[1] * back[key].ratios[1] == pytest.approx(1)


def test_the_better_one_is_marked():
    slow = part(
        read_bandwidth="1 GB/s", read_latency="1 us", capacity="1 TB", write_latency="1 us", read_energy="5 pJ/bit"
    )
    fast = part(read_bandwidth="4 GB/s", read_latency="3 us", capacity="1 TB", read_energy="2 pJ/bit")
    rows = {row.key: row for row in compare([slow, fast])}
    assert rows["read_bandwidth"].best == (1,)
    assert rows["read_bandwidth"].ratios == (1, 4)
    assert rows["read_latency"].best == (0,)
    assert rows["read_energy"].best == (1,)
    assert rows["read_energy_of_1_gb"].best == (1,)
    assert rows["capacity"].best == ()
    assert rows["write_latency"].values == (1_000_000, None)
    assert rows["write_latency"].best == ()
    assert rows["read_bandwidth_delay_product"].best == ()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["h100-hbm3"], "two names or more"),
        (["h100-hbm3", "pcie5-x16"], "`h100-hbm3` is a tier, `pcie5-x16` is a link"),
        (["h100-sxm", "h100-hbm3"], "`h100-sxm` is a machine, `h100-hbm3` is a tier"),
    ],
)
def test_only_likes_compare(names, message):
    with pytest.raises(ConfigError, match=message):
        compare([find_device(name) for name in names])


@pytest.mark.parametrize(("name", "near"), [("h100-sxn", "h100-sxm"), ("980-pro-1tb", "980-pro-1t")])
def test_unknown_names_have_a_neighbour(name, near):
    with pytest.raises(ConfigError) as caught:
        find_device(name)
    assert str(caught.value) == f"no machine or part `{name}`; did you mean `{near}`? (hiersim devices lists them)"


def test_a_figure_of_the_wrong_dimension_is_named():
    with pytest.raises(ConfigError, match="x  `3 ns` is a time; expected a bandwidth"):
        part(read_bandwidth="3 ns")
