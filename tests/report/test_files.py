from __future__ import annotations

import dataclasses
import json
import os
import resource

import numpy as np
import polars as pl
import pytest
from report import samples
from report.test_text import same

from hiersim.errors import OutputError
from hiersim.report.files import write_files
from hiersim.report.json import SCHEMA, dump, to_json, write_json
from hiersim.report.outputs import write_all, write_picture
from hiersim.report.stall_stack import size, stall_stack
from hiersim.report.style import detached
from hiersim.report.tables import tables

ALL = samples.ALL | {"with_timeline": samples.with_timeline}


def keys(value, prefix=""):
    """The dotted keys of a document; what a user names is ``*``."""
    named = prefix in ("tiers", "links", "units") or prefix.endswith(("_by_class", "stalls"))
    if prefix.startswith("provenance") or not isinstance(value, dict):
        return {prefix: type(value).__name__}
    found = {}
    for key, item in value.items():
        found |= keys(item, f"{prefix}.{'*' if named else key}".lstrip("."))
    return found


def test_json_is_as_stored():
    same("four_tiers.json", dump(to_json(samples.four_tiers(), deterministic=True)).decode())


@pytest.mark.parametrize("name", ALL)
def test_json_has_the_keys_of_its_schema(name):
    wanted = {key for key in keys(to_json(samples.four_tiers())) if not key.startswith("energy_j.")}
    found = to_json(ALL[name]())
    got = {key for key in keys(found) if not key.startswith("energy_j.")}
    optional = (
        "tiers.*.read_bytes_by_class",
        "tiers.*.written_bytes_by_class",
        "units.*.stalls",
        "links.",
        "timeline.",
    )
    assert {key for key in got ^ wanted if not key.startswith(optional)} == set()
    assert found["schema"] == SCHEMA == "hiersim-result/1"
    assert json.loads(dump(found)) == found


def test_json_adds_up():
    found = to_json(samples.four_tiers())
    for tier in found["tiers"].values():
        assert tier["read_bytes"] == sum(tier["read_bytes_by_class"].values())
    unit = found["units"]["gpu0"]
    assert unit["busy_ps"] + unit["stalled_ps"] + unit["idle_ps"] == found["elapsed_ps"]
    assert sum(unit["stalls"].values()) == unit["stalled_ps"] == sum(s["ps"] for s in unit["stall_details"])
    energy = found["energy_j"]
    assert energy.pop("total") == pytest.approx(sum(energy.values()))


def test_json_differs_only_in_the_wall_time():
    one, two = samples.four_tiers(), dataclasses.replace(samples.four_tiers(), seconds=9.0)
    assert dump(to_json(one)) != dump(to_json(two))
    assert dump(to_json(one, deterministic=True)) == dump(to_json(two, deterministic=True))


def test_json_holds_any_provenance():
    about = {"seed": np.int64(3), "ratio": np.float64("nan"), "shape": (1, 2), "names": {"b", "a"}, "when": None}
    found = to_json(dataclasses.replace(samples.one_tier(), provenance=about))
    assert found["provenance"] == {"seed": 3, "ratio": None, "shape": [1, 2], "names": ["a", "b"], "when": None}
    assert found["scenario_hash"] is None


@pytest.mark.parametrize("name", ALL)
def test_tables_survive_being_written(name, tmp_path):
    result = ALL[name]()
    paths = write_all(result, tmp_path / "out", pictures=False)
    assert [path.name for path in paths if path.suffix == ".json"] == ["result.json"]
    for table, frame in tables(result).items():
        assert pl.read_parquet(tmp_path / "out" / "tables" / f"{table}.parquet").equals(frame)


def test_tables_say_what_the_result_says():
    result = samples.with_timeline()
    found = tables(result)
    assert found["tiers"]["read_bytes"].to_list() == [tier.read_total for tier in result.tiers.values()]
    forward = found["links"].filter(direction="forward")
    assert forward["bytes"].to_list() == [link.forward_total for link in result.links.values()]
    assert found["stalls"]["ps"].sum() == result.units["gpu0"].stalled_ps
    assert found["energy"]["energy_j"].sum() == pytest.approx(result.total_energy_j)
    served = found["accesses"]["served_by"]
    assert served.null_count() / result.accesses == pytest.approx(result.miss_ratio)
    assert (served == "hbm").sum() == result.tiers["hbm"].hits + result.tiers["hbm"].merged
    assert found["timeline"]["source"].to_list() == ["hbm", "dram", "hbm", "dram", "hbm"]
    assert found["timeline"]["traffic"].to_list() == ["demand", "write-back", "prefetch", "demand", "demand"]


def test_everything_is_written_and_the_same_each_time(tmp_path):
    first, second = (write_all(samples.four_tiers(), tmp_path / str(i), deterministic=True) for i in range(2))
    names = [path.relative_to(tmp_path / "0").as_posix() for path in first]
    assert names[:2] == ["result.json", "tables/tiers.parquet"]
    assert names[-4:] == ["stalls.png", "stalls.svg", "flow.png", "flow.svg"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    left = sorted(path for path in (tmp_path / "0").rglob("*") if path.is_file())
    assert left == sorted(first)


@pytest.fixture
def small_disk():
    """No file may grow beyond 4 KiB: writing further fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_disk")
def test_full_disk_leaves_nothing_behind(tmp_path):
    with pytest.raises(OutputError, match=r"cannot write .*result\.json: File too large") as why:
        write_all(samples.four_tiers(), tmp_path / "new" / "run", pictures=False)
    assert "\n" not in str(why.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small_disk")
def test_full_disk_while_a_table_is_written(tmp_path):
    from hiersim.report.tables import contents

    latency = np.random.default_rng(1).integers(0, 2**60, 5000)
    served = np.zeros(5000, np.int8)
    big = dataclasses.replace(samples.one_tier(), accesses=5000, latency_ps=latency, served_by=served)
    with pytest.raises(OutputError, match=r"cannot write .*\.parquet: File too large"):
        write_files(tmp_path / "run", contents(big))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small_disk")
def test_failure_keeps_what_was_there(tmp_path):
    (tmp_path / "result.json").write_text("old")
    with pytest.raises(OutputError):
        write_all(samples.four_tiers(), tmp_path, pictures=False)
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]
    assert (tmp_path / "result.json").read_text() == "old"


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "taken").write_text("x")
    with pytest.raises(OutputError, match=r"cannot write .*taken"):
        write_json(samples.one_tier(), tmp_path / "taken" / "result.json")
    assert (tmp_path / "taken").read_text() == "x"


def test_target_that_is_a_folder(tmp_path):
    (tmp_path / "result.json").mkdir()
    with pytest.raises(OutputError, match=r"result\.json: Is a directory"):
        write_json(samples.one_tier(), tmp_path / "result.json")
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        write_json(samples.one_tier(), tmp_path / "result.json")
    tmp_path.chmod(0o700)


def test_interruption_leaves_nothing_behind(tmp_path):
    def stop(file):
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_files(tmp_path / "run", {"a.txt": b"whole", "b.txt": stop})
    assert list(tmp_path.iterdir()) == []


def test_picture_is_written_by_its_ending(tmp_path):
    result = samples.two_tiers()
    ax = stall_stack(result, detached(*size(result)))
    assert write_picture(ax, tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in write_picture(ax, tmp_path / "a.svg").read_bytes()


@pytest.mark.parametrize("name", ["result.json", "tables/tiers.parquet"])
def test_pipe_in_the_way_stays_a_pipe(tmp_path, name):
    (tmp_path / "tables").mkdir()
    os.mkfifo(tmp_path / name)
    with pytest.raises(OutputError, match=rf"^cannot write \S*{name}: it is not a plain file$"):
        write_all(samples.four_tiers(), tmp_path, pictures=False)
    assert (tmp_path / name).is_fifo()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


def test_result_shows_itself_in_a_line():
    shown = repr(samples.four_tiers())
    assert shown.startswith("<Result ")
    assert "\n" not in shown
    assert len(shown) < 220
