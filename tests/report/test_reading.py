"""What was written is read back as it was; what is no result, or a damaged or foreign one, is one clear line."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from core.parity import make_core
from report import samples
from report.readback import carried, read, spent
from report.test_timeline import written
from strategies import scenario

from hiersim.engine.outcome import make_result
from hiersim.errors import ConfigError
from hiersim.report.json import dump, to_json
from hiersim.report.outputs import write_all
from hiersim.report.reading import read_result


def same(a, b):
    """Whether two values are equal, arrays and NaN included."""
    if dataclasses.is_dataclass(a):
        return type(a) is type(b) and all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    return a == b or (a != a and b != b)


@pytest.mark.parametrize("name", samples.ALL)
def test_a_result_survives(name, tmp_path):
    result = samples.ALL[name]()
    write_all(result, tmp_path, pictures=False)
    for path in (tmp_path, tmp_path / "result.json"):
        found = read_result(path).result
        assert dump(to_json(found)) == dump(to_json(result))
        assert same(found.latency_ps, result.latency_ps)
        assert same(found.served_by, result.served_by)
        assert same(found.tiers, result.tiers)


def test_a_timeline_survives(tmp_path):
    for seed in range(0, 40, 3):
        core = make_core(scenario(seed))
        core.run()
        result = make_result(core, "drawn", 1.0, {})
        write_all(result, tmp_path / str(seed), pictures=False)
        found = read_result(tmp_path / str(seed)).result
        names = [f.name for f in dataclasses.fields(result.timeline) if f.name not in ("route", "routes", "spans")]
        assert [n for n in names if not same(getattr(found.timeline, n), getattr(result.timeline, n))] == []
        told = [read(written(each, 0)) for each in (found, result)]
        assert carried(told[0]) == carried(told[1])
        assert all(spent(told[0], unit) == spent(told[1], unit) for unit in result.units)
        assert same(found.tiers, result.tiers)


def test_json_alone_will_do(tmp_path):
    result = samples.four_tiers()
    write_all(result, tmp_path / "a", pictures=False)
    alone = tmp_path / "b.json"
    alone.write_bytes((tmp_path / "a" / "result.json").read_bytes())
    found = read_result(alone)
    assert found.result.tiers == result.tiers
    assert not len(found.result.latency_ps)
    assert found.scenario == ""


NEXT = "hiersim-result/2"
BROKEN = {
    "is not JSON": lambda d: "{",
    "it does not say": lambda d: json.dumps({"a": 1}),
    "written by a newer hiersim; this one reads hiersim-result/1": lambda d: json.dumps(
        d | {"schema": "hiersim-result/2"}
    ),
    "is of a schema that is read no more": lambda d: json.dumps(d | {"schema": "hiersim-result/0"}),
    "elapsed_ps  is missing or of the wrong type": lambda d: json.dumps(d | {"elapsed_ps": "5"}),
    "tiers  is missing or of the wrong type": lambda d: json.dumps({k: v for k, v in d.items() if k != "tiers"}),
    "tiers.hbm.hits  is missing": lambda d: json.dumps(d | {"tiers": {"hbm": {}} | {"hbm": without(d, "hits")}}),
    "the file is damaged": lambda d: json.dumps(d | {"links": {"pcie": 3}}),
}


def without(document, key):
    return {name: value for name, value in document["tiers"]["hbm"].items() if name != key}


def test_requests_survive(tmp_path):
    import hiersim as hs

    config = Path(__file__).parents[2] / "configs" / "mooncake_tiers.yaml"
    ran = hs.load(config, ["trace.limit=20", "serve.objective.latency=1 s"]).run()
    write_all(ran, tmp_path, pictures=False)
    again = read_result(tmp_path).result.requests
    for field in dataclasses.fields(ran.requests):
        old, new = getattr(ran.requests, field.name), getattr(again, field.name)
        assert old == pytest.approx(new, rel=1e-12) if isinstance(old, float) else same(old, new), field.name


def test_a_damaged_table_is_one_clear_line(tmp_path):
    write_all(samples.four_tiers(), tmp_path, pictures=False)
    table = tmp_path / "tables" / "accesses.parquet"
    whole = table.read_bytes()
    table.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match=r"accesses\.parquet  is damaged: it does not read as Parquet"):
        read_result(tmp_path)
    table.write_bytes((tmp_path / "tables" / "tiers.parquet").read_bytes())
    with pytest.raises(ConfigError, match="tables  is damaged"):
        read_result(tmp_path)


@pytest.mark.parametrize("what", BROKEN)
def test_what_cannot_be_read_is_one_clear_line(what, tmp_path):
    path = tmp_path / "result.json"
    path.write_text(BROKEN[what](to_json(samples.four_tiers())))
    with pytest.raises(ConfigError) as why:
        read_result(tmp_path)
    assert what in str(why.value)
    assert str(path) in str(why.value)
    assert "\n" not in str(why.value)


@pytest.mark.parametrize(
    ("path", "what"), [("", "has no result.json"), ("x.json", "is not there"), ("x/y", "is not there")]
)
def test_what_is_not_there_is_said(path, what, tmp_path):
    with pytest.raises(ConfigError, match=what):
        read_result(tmp_path / Path(path))


def test_a_file_from_before_a_key_was_added_is_read(tmp_path):
    document = to_json(samples.four_tiers())
    for tier in document["tiers"].values():
        tier.pop("activations", None)
        tier.pop("denied", None)
    (tmp_path / "old.json").write_text(json.dumps(document))
    assert read_result(tmp_path / "old.json").result.tiers["hbm"].activations == 0
