"""Price lists and the cheapest way: against prices worked out by hand, and against trying everything."""

from __future__ import annotations

import itertools

import pytest
from core.machines import FAR
from insight.test_whatif import US, ask, scenario

from hiersim.errors import ConfigError
from hiersim.insight.cheapest import LADDER
from hiersim.insight.prices import read_prices
from hiersim.machine import ClassRules, Replay

HEAD = "currency: EUR\nyears: 5\nprices:\n"
FIVE_YEARS = 5 * 365 * 24 * 3600


def entry(of: str, price: float, per: str = "", every: str = "once", kind: str = "") -> str:
    fields = {
        "of": f"'{of}'",
        "price": price,
        "per": per,
        "every": every,
        "kind": kind,
        "source": "mine",
        "date": "2026-01-01",
    }
    return "  - {" + ", ".join(f"{key}: {value}" for key, value in fields.items() if value != "") + "}\n"


@pytest.fixture
def priced(tmp_path):
    def make(*entries: str, head: str = HEAD) -> str:
        file = tmp_path / "prices.yaml"
        file.write_text(head + "".join(entries))
        return str(file)

    return make


COPY = {"far": {"read_bandwidth": 1e14}, "replay": Replay(outstanding=4)}


def test_just_as_much_is_bought_as_is_needed(priced):
    """A copy over a link of 1,000 GB/s: 30 % less time needs 1 / 0.7 times that."""
    prices = priced(entry("links.*.bandwidth", 10, "1 GB/s"), entry("tiers.far.bandwidth", 1, "1 GB/s"))
    found = ask(scenario(**COPY), range(40), prices=prices, save=0.3).cheapest
    assert [(knob.name, pytest.approx(1 / 0.7, rel=0.005)) for knob, _ in found.way.factors] == [
        (knob.name, factor) for knob, factor in found.way.factors
    ]
    assert found.complete
    assert found.way.once == pytest.approx(10 * 1000 * (1 / 0.7 - 1), rel=0.01)
    assert found.way.per_hour == 0
    assert found.way.saves == pytest.approx(0.3, abs=0.005)
    link, far = 10 * 1000, 10**5
    after = (link / 0.7 + far) / (link + far) * 0.7  # the machine costs more, for less time
    assert found.way.cost == pytest.approx(after, rel=0.005)
    assert found.sentences()[0].startswith(
        "The cheapest way to save 30.0% of the time: link bandwidth of 1.43 TB/s inst"
    )
    assert "a run then costs 2" in found.sentences()[1]


def test_the_cheapest_combination_is_found_as_by_trying_all(priced):
    """Per object 3 us of computing and 1 us of writing, each at its price: T = 3 / a + 1 / b."""
    prices = priced(entry("units.gpu.flop_per_s", 7, "1 GFLOP/s"), entry("tiers.near.bandwidth", 1, "1 GB/s"))
    made = scenario(classes={"page": ClassRules(flops_per_byte=3.0)})
    for goal in (0.1, 0.2, 0.4):
        ways = itertools.product(LADDER, LADDER)
        enough = [(a, b) for a, b in ways if 3 / a + 1 / b <= 4 * (1 - goal) + 1e-9]
        best = min(7 * (a - 1) + (b - 1) for a, b in enough)
        found = ask(made, range(30), prices=prices, save=goal).cheapest
        assert found.complete
        assert found.way.once <= 1000 * best * 1.001  # of the ladder, or finer than that
        factors = {knob.name: factor for knob, factor in found.way.factors}
        assert 3 / factors.get("gpu FLOP/s", 1) + 1 / factors.get("near bandwidth", 1) <= 4 * (1 - goal) * 1.001


def test_what_helps_only_together_is_bought_together(priced):
    """The bytes pass memory and link at once at 1 B/ps: 30 % less time needs 1 / 0.7 of both."""
    prices = priced(entry("links.*.bandwidth", 10, "1 GB/s"), entry("tiers.far.bandwidth", 1, "1 GB/s"))
    found = ask(scenario(replay=Replay(outstanding=4)), range(40), prices=prices, save=0.3).cheapest
    assert {knob.name: pytest.approx(1 / 0.7, rel=0.005) for knob, _ in found.way.factors} == {
        knob.name: factor for knob, factor in found.way.factors
    }
    assert sorted(knob.name for knob, _ in found.way.factors) == ["far bandwidth", "link bandwidth"]
    assert found.way.once == pytest.approx(11 * 1000 * (1 / 0.7 - 1), rel=0.01)


def test_what_cannot_be_bought_is_said(priced):
    chase = scenario(far={"read_latency": US})
    found = ask(chase, range(20), 64, prices=priced(entry("links.*.bandwidth", 10, "1 GB/s"))).cheapest
    assert found.way is None
    assert found.sentences() == [
        "No money saves 20.0% of the time: even 8 times all that has a price (link bandwidth) saves 0%."
    ]
    nothing = ask(chase, range(20), 64, prices=priced(entry("tiers.flash.capacity", 10, "1 GB"))).cheapest
    assert nothing.sentences() == ["Nothing of this machine that more could be bought of has a price in the list."]


def test_a_run_costs_what_it_uses_for_as_long_as_it_takes(priced):
    prices = priced(
        entry("units.gpu", 2.5, every="hour", kind="gpu"),
        entry("units.gpu", 99, every="hour", kind="cpu"),
        entry("tiers.*.capacity", 73, "1 GB", every="month", kind="ddr"),
        entry("tiers.*.capacity", 1e6, "1 GB"),
        entry("links.link.bandwidth", 4, "1 GB/s"),
        head="currency: EUR\nyears: 5\nelectricity: {price_per_kwh: 0.36, source: mine, date: '2026'}\nprices:\n",
    )
    what = scenario(far=COPY["far"] | {"background_power": 10.0}, replay=COPY["replay"])
    seconds = 40e-6
    hourly = 2.5 + 2 * 1000 * 0.1  # two tiers of 10^12 bytes at 73 a month, which has 730 hours
    expected = hourly / 3600 * seconds + 4 * 1000 / FIVE_YEARS * seconds + 0.36 / 3.6e6 * 10.0 * seconds
    assert ask(what, range(40), prices=prices).base["cost"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (entry("links.*.bandwith", 1, "1 GB/s"), 4, "no resource `bandwith`; did you mean `bandwidth`?"),
        (entry("link.*.bandwidth", 1, "1 GB/s"), 4, "is no resource; expected such as tiers.dram.capacity"),
        (entry("links.*.bandwidth", 1, "1 GB"), 4, "`1 GB` is a size; expected a bandwidth"),
        (entry("links.*.bandwidth", 1), 4, "needs `per`: how much that buys"),
        (entry("units.gpu", 1, "1 GB"), 4, "a whole part has no `per`"),
        (entry("links.*.bandwidth", -1, "1 GB/s"), 4, "at least 0"),
        ("  - {of: units.gpu, price: 3, source: x}\n", 4, "required key is missing"),
    ],
)
def test_mistakes_have_their_line(priced, text, line, what):
    file = priced(text)
    with pytest.raises(ConfigError) as caught:
        read_prices(file)
    (mistake,) = caught.value.mistakes
    assert (mistake.file, mistake.line) == (file, line)
    assert what in mistake.what


def test_what_is_paid_once_needs_years(priced):
    file = priced(entry(f"tiers.{FAR}.capacity", 1, "1 GB"), head="currency: EUR\nprices:\n")
    with pytest.raises(ConfigError, match="written off over `years`"):
        read_prices(file)
