"""What is kept is whole, is found again, and what cannot be used is said and done anew."""

import json

import pytest

from hiersim import sweep
from hiersim.cli.main import execute
from hiersim.sweep.store import Store, decoded, encoded

ADDRESS = "ab" + 30 * "0"


def test_what_is_written_is_read(tmp_path):
    store = Store(tmp_path)
    assert store.read(ADDRESS).document is None
    assert store.write(ADDRESS, {"x": [1, 2.5, "ü", None]}) == ""
    assert store.read(ADDRESS).document == {"x": [1, 2.5, "ü", None]}
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [f"{ADDRESS}.json"]


@pytest.mark.parametrize("cut", [0, 1, 20, 60, -1, -5])
def test_a_damaged_entry_is_none(cut):
    whole = encoded({"x": list(range(20))})
    assert decoded(whole).document
    assert decoded(whole[:cut] if cut else b"").document is None or cut == -1  # only the last newline is gone
    for i in range(0, len(whole) - 1, 7):
        flipped = whole[:i] + bytes([whole[i] ^ 4]) + whole[i + 1 :]
        assert decoded(flipped).document is None, i


@pytest.mark.parametrize(("version", "age"), [(0, "older"), (2, "newer")])
def test_another_schema_is_refused_with_a_line(version, age):
    content = encoded({"x": 1}).replace(b"hiersim-point/1", f"hiersim-point/{version}".encode())
    found = decoded(content)
    assert found.document is None
    assert found.note == f"has the {age} schema hiersim-point/{version}; this version reads hiersim-point/1"


def test_a_store_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot be kept in" in Store(tmp_path / "file").write(ADDRESS, {})


def test_damage_is_repaired_and_told(folder):
    first = sweep.run("sweep.yaml")
    chosen = sweep.load("sweep.yaml")
    damaged, older = (chosen.setup.store.path(first.outcomes[i].address) for i in (1, 4))
    damaged.write_bytes(damaged.read_bytes()[:-40])
    older.write_bytes(older.read_bytes().replace(b"point/1", b"point/0"))
    again = sweep.run("sweep.yaml")
    assert again.computed == 2
    assert again.notes == [
        "point 1: kept result is damaged; it was computed again",
        "point 4: kept result has the older schema hiersim-point/0; this version reads hiersim-point/1; "
        "it was computed again",
    ]
    assert again.table().equals(first.table())
    assert sweep.run("sweep.yaml").computed == 0
    assert json.loads(damaged.read_bytes().split(b"\n")[1])["result"]["schema"].startswith("hiersim-result/")


def test_results_that_cannot_be_kept_are_told_once(folder):
    (folder / "kept").write_text("in the way")
    found = sweep.run("sweep.yaml")
    assert found.computed == 6
    (line,) = found.notes
    assert line.startswith("6 results: cannot be kept in ")


def test_the_cache_command_shows_and_clears_results(folder, monkeypatch, capsys):
    monkeypatch.setattr("hiersim.sweep.store.default_folder", lambda: folder / "kept")
    sweep.run("sweep.yaml")
    assert execute(["cache"]) == 0
    assert f"{folder / 'kept'}: " in capsys.readouterr().out
    assert execute(["cache", "show", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["points"]["results"] == 6
    (folder / "kept" / "notes.txt").write_text("mine")
    assert execute(["cache", "clear", "--points"]) == 0
    assert [path.name for path in (folder / "kept").rglob("*") if path.is_file()] == ["notes.txt"]
