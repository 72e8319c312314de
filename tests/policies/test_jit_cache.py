"""Compiled code on disk: found by the next process, never stale, never trusted when damaged."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hiersim
from hiersim import jit, jitcache

PACKAGE = Path(hiersim.__file__).parent
SCRIPT = """
import ctypes
import json
import numpy as np
from hiersim import jit, jitcache, policies
from hiersim.drivers.cache_study import next_uses
from hiersim.policies import hooks
from hiersim.policies.contract import Setup
compiled = []
jit.on_compile(compiled.append)
later = next_uses(np.array([0, 1, 0], np.int32), 2)
policy = policies.find("lru")
state = policy.init(Setup(2, 4))
bound, table = hooks.bind_hooks(policy, state), hooks.fields_table(state)
word = ctypes.c_int64
kind = ctypes.CFUNCTYPE(word, ctypes.c_void_p, word, word, word, word)
call = lambda hook, key: kind(int(bound[hook]))(table.ctypes.data, key, 1, 0, 0)
for key in (2, 0, 1):
    call(hooks.ON_INSERT, key)
call(hooks.ON_HIT, 2)
victims = [call(hooks.VICTIM, 3)]
call(hooks.ON_REMOVE, victims[0])
victims.append(call(hooks.VICTIM, 3))
print(json.dumps({"compiled": compiled, "victims": victims, "later": later.tolist(), "digest": jitcache.digest(),
                  "files": sum(entry.files for entry in jitcache.entries())}))
"""
RIGHT = [0, 1]

pytestmark = [
    pytest.mark.skipif(jit.DISABLED, reason="nothing is compiled"),
    pytest.mark.xdist_group("jit-cache"),
]


def start(folder, path=None):
    """Run the script with a cache folder, on the package that ``path`` holds if given."""
    env = os.environ | {"HIERSIM_CACHE_DIR": str(folder)}
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT], env=env, cwd=path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, "")
    return json.loads(out)


def run(folder, path=None):
    return finish(start(folder, path))


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Give a folder that one process has filled, and what it reported."""
    folder = tmp_path_factory.mktemp("cache")
    return folder, run(folder)


def test_the_next_process_compiles_nothing(filled):
    folder, first = filled
    assert len(first["compiled"]) == first["files"] == 5
    assert first["compiled"][0] == "hiersim.drivers.cache_loop._look_back"
    assert first["later"] == [2, -1, -1]
    second = run(folder)
    assert second == first | {"compiled": []}
    assert second["victims"] == RIGHT


def test_damage_is_compiled_anew(filled, tmp_path):
    folder, first = filled
    copy = tmp_path / "cache"
    shutil.copytree(folder, copy)
    files = sorted(copy.glob("*/*.bin"))
    sound = {file.name: file.read_bytes() for file in files}
    for i, file in enumerate(files):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 4  # one bit
        file.write_bytes((b"", b"garbage", bytes(content[: len(content) // 3]), bytes(content))[i % 4])
    assert run(copy) == first
    assert sorted(file.name for file in copy.glob("*/*.bin")) == sorted(sound)
    assert run(copy)["compiled"] == []


def test_a_sound_checksum_over_nonsense_is_compiled_anew(filled, tmp_path, monkeypatch):
    folder, first = filled
    copy = tmp_path / "cache"
    shutil.copytree(folder, copy)
    for file in copy.glob("*/*.bin"):
        nonsense = b"not a pickle"
        file.write_bytes(jitcache.MAGIC + jitcache._checksum(nonsense) + nonsense)
    assert run(copy) == first


def test_two_processes_fill_a_folder_at_once(tmp_path):
    both = [start(tmp_path), start(tmp_path)]
    assert [finish(process)["victims"] for process in both] == [RIGHT, RIGHT]
    assert run(tmp_path)["compiled"] == []
    assert not list(tmp_path.glob("*/*.part"))


def test_without_a_folder_it_compiles(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    result = run(file / "below")
    assert result["victims"] == RIGHT
    assert len(result["compiled"]) == 5


def test_an_edit_of_what_a_kernel_calls_is_seen(filled, tmp_path):
    folder, first = filled
    shutil.copytree(PACKAGE, tmp_path / "hiersim", ignore=shutil.ignore_patterns("__pycache__"))
    ring = tmp_path / "hiersim/policies/ring.py"
    text = ring.read_text()
    assert "    links[2 * head] = key\n" in text
    newest_is_victim = text.replace("return links[2 * key + 1]", "return links[2 * key]")
    assert newest_is_victim != text
    ring.write_text(newest_is_victim)
    edited = run(folder, tmp_path)
    assert edited["digest"] != first["digest"]
    assert edited["victims"] == [2, 1]
    assert run(folder)["compiled"] == []


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Give an empty cache folder of this process, with a folder in it that is none of the cache's business."""
    monkeypatch.setenv("HIERSIM_CACHE_DIR", str(tmp_path))
    jitcache.folder.cache_clear()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.bin").write_text("keep")
    yield tmp_path
    jitcache.folder.cache_clear()


def stale(home, age):
    folder = home / f"{age:024x}"
    folder.mkdir()
    (folder / "kernel.bin").write_bytes(b"12345")
    os.utime(folder, (1_000_000 - age, 1_000_000 - age))
    return folder.name


def test_entries_prune_and_clear(home):
    old = [stale(home, age) for age in range(3)]
    jitcache.write("kernel", b"payload")
    assert jitcache.read("kernel") == b"payload"
    found = jitcache.entries()
    assert [entry.digest for entry in found] == [jitcache.digest(), *old]
    assert [entry.current for entry in found] == [True, False, False, False]
    assert found[1].bytes == 5
    assert jitcache.prune(keep=2) == 2
    assert [entry.digest for entry in jitcache.entries()] == [jitcache.digest(), old[0]]
    assert jitcache.clear() > 5
    assert jitcache.entries() == []
    assert (home / "mine/notes.bin").read_text() == "keep"
    jitcache.write("kernel", b"again")  # a process that is still running makes its folder anew
    assert jitcache.read("kernel") == b"again"


def test_only_the_last_digests_are_kept(home):
    for age in range(jitcache.KEEP + 4):
        stale(home, age)
    assert jitcache.folder() == home / jitcache.digest()
    assert len(jitcache.entries()) == jitcache.KEEP


def test_the_usual_folder(monkeypatch):
    monkeypatch.delenv("HIERSIM_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    if sys.platform == "linux":
        assert jitcache.root() == Path("/somewhere/hiersim")


def test_layers_above_the_drivers_do_not_count():
    names = {path.relative_to(PACKAGE).parts[0] for path in jitcache.sources()}
    assert {"jit.py", "policies", "drivers", "engine"} <= names
    assert not names & {"cli", "report", "config"}


def test_closures_share_nothing_on_disk():
    def make(step):
        def add(number):
            return number + step

        return jit.specialised(add, f"add[{step}]", keep=False)

    assert [make(1)(10), make(2)(10)] == [11, 12]


def edit(file):
    file.write_text(file.read_text() + "\n# another state of the sources\n")


def test_an_edit_elsewhere_compiles_nothing(filled, tmp_path):
    """Compiled code is taken over from the folder of the state before, unless it could depend on what was edited."""
    folder, first = filled
    copy = tmp_path / "cache"
    shutil.copytree(folder, copy)
    shutil.copytree(PACKAGE, tmp_path / "hiersim", ignore=shutil.ignore_patterns("__pycache__"))
    policy = tmp_path / "hiersim/policies/replacement"
    edit(policy / "arc.py")
    edited = run(copy, tmp_path)
    assert edited["digest"] != first["digest"]
    assert edited["compiled"] == []
    edit(policy / "lru.py")
    assert [name.partition("[")[2][:3] for name in run(copy, tmp_path)["compiled"]] == ["lru"] * 4


def test_a_kernel_depends_on_what_it_imports():
    loop, handled = (jitcache.digest_of(frozenset({f"hiersim.engine.{name}"})) for name in ("loop", "handle"))
    assert loop != handled
    assert "hiersim.engine.rooms" in jitcache._imports("hiersim.engine.loop")
    assert "hiersim.engine.columns" in jitcache._imports("hiersim.engine.loop")
    assert not any(name.startswith("hiersim.config") for name in jitcache._imports("hiersim.drivers.replay"))
