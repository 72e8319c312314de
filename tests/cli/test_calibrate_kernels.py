"""``hiersim calibrate``: constants that made the data come out again, on every format; and mistakes are one line."""

import json
import math
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from oracle.serving.cost import Cost, Step

from hiersim.machine.catalogue import find_machine
from hiersim.models import find_model, work_of

SHEET = {"bandwidth": 1e12, "flops": 200e12, "weight_flops": 200e12}
OPTIONS = ("--bandwidth", "1 TB/s", "--flops", "200 TFLOP/s", "--l2", "64 MB")
LINEAR = {"overhead": 4e-6, "bandwidth": 0.9, "wide_bandwidth": 0.8, "flops": 0.75, "rows": 64, "sharpness": 4.0}
DECODE = {"overhead": 20e-6, "bandwidth": 0.92, "l2_overhead": 9e-6, "l2_bandwidth": 1.0, "sequence": 30e-9}
PREFILL = {"overhead": 5e-6, "flops": 0.6, "rows": 64, "block": 100.0, "lanes": 100.0, "sharpness": 3.0, "passes": 1.5}
TRUE = {
    "l2_capacity": 64e6,
    "step": 0.0,
    "linear": {**LINEAR, "depth": 2e-10},
    "decode": {**DECODE, "sharpness": 2.0},
    "prefill": PREFILL,
    "mixed": {"rows": 60.0, "empty": 3e-9, "reuse": 0.5},
    "elementwise": {"overhead": 3e-6, "bandwidth": 0.85, "l2_bandwidth": 2.5},
    "sampling": {"overhead": 25e-6, "passes": 3.0},
}
"""Constants of a card that does not exist, times in seconds."""
MODEL = work_of(find_model("llama-3.1-8b"))
MIXER = MODEL.mixings[0]


def truth():
    work = SimpleNamespace(weight_bytes=1e12, ranks=1)
    return Step(TRUE, SHEET, work)


def took(measure):
    """Microseconds of what a function adds to a cost."""
    cost = Cost()
    measure(cost)
    return cost.time * 1e6


def write(path, header, rows):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")


def layer(columns, **shape):
    return SimpleNamespace(layers=1, **dict(zip(columns, shape.values(), strict=True)))


def one(mixer=MIXER):
    return SimpleNamespace(**{**vars(mixer), "layers": 1})


@pytest.fixture
def own(tmp_path):
    """A user's three microbenchmarks: copies, a decode sweep and storage."""
    step, folder = truth(), tmp_path / "mine"
    folder.mkdir()
    sizes = [int(2.0**i) for i in range(12, 32)]
    write(folder / "copy.csv", "bytes,time_us", [(size, round(copy_us(size), 4)) for size in sizes])
    sweep = [
        (n, k, 4096, round(took(lambda c, n=n, k=k: step.decode(c, one(), [k - 1] * n)), 4))
        for n in (1, 2, 4, 8, 16, 32, 64, 128, 256)
        for k in (128, 512, 2048, 8192, 32768)
    ]
    write(folder / "decode.csv", "sequences,context_tokens,kv_bytes_per_token,time_us", sweep)
    rows = [(f"{size} KiB", 1, 1, f"{80 + size * 1024 / 5000:.4f} us") for size in (4, 16, 64, 256, 1024)]
    write(folder / "nvme.csv", "size,queue_depth,read_share,latency", rows)
    return folder


def copy_us(size):
    k, total = TRUE["elementwise"], 2 * size
    close = 1.0 if total <= 64e6 else max(2 - total / 64e6, 0.0)
    speed = SHEET["bandwidth"] / 1e6
    return k["overhead"] * 1e6 + total * (close / k["l2_bandwidth"] + (1 - close) / k["bandwidth"]) / speed


def check(found, groups, tolerance=0.03):
    for group in groups:
        for name, true in TRUE[group].items():
            value = found[group][name]
            if name in ("overhead", "l2_overhead", "sequence", "empty"):
                value = float(str(value).split()[0]) * {"us": 1e-6, "ns": 1e-9}[str(value).split()[1]]
            value = value * 1e-12 if name == "depth" else value
            assert math.isclose(value, true, rel_tol=tolerance), (group, name)


def entry(path):
    part = next(iter(yaml.safe_load(path.read_text()).values()))
    groups = part["figures"]["kernels"]
    return {
        name: {key: figure[0] for key, figure in group.items()}
        for name, group in groups.items()
        if name != "l2_capacity"
    }


def test_a_users_own_microbenchmarks_give_the_constants_and_the_drive(cli, own, tmp_path):
    code, out, err = cli("calibrate", str(own), *OPTIONS, "--name", "my-card")
    assert code == 0, err
    assert "nvme · flash · mean error fitted" in out
    check(entry(tmp_path / "my_card_kernels.yaml"), ("elementwise", "decode"))
    first = (tmp_path / "my_card_kernels.yaml").read_bytes()
    assert cli("calibrate", str(own), *OPTIONS, "--name", "my-card")[0] == 0
    assert (tmp_path / "my_card_kernels.yaml").read_bytes() == first
    code, out, err = cli("devices", "./my_card_kernels.yaml#nvme")
    assert code == 0, err
    (tmp_path / "machine.yaml").write_text(
        "extends: rtx-4090\nunits:\n  gpu0: {part: './my_card_kernels.yaml#my-card', tier: gddr}\n"
    )
    from hiersim.config.load import load_machine

    unit = load_machine(str(tmp_path / "machine.yaml")).units["gpu0"]
    assert unit.kernels.decode.bandwidth == pytest.approx(0.92, rel=0.03)
    assert unit.kernels.linear is None


def test_layers_and_batches_of_a_model_give_every_constant(cli, tmp_path):
    step, folder = truth(), tmp_path / "card_llama3.1_8b"
    folder.mkdir()
    names = {"qkv_proj": "qkv", "o_proj": "attention_out", "gate_up_proj": "gate_up", "down_proj": "down"}
    matrices = {each.name: SimpleNamespace(**{**vars(each), "layers": 1}) for each in MODEL.projections}
    tokens = (1, 2, 4, 8, 16, 24, 32, 64, 100, 128, 200, 256, 512, 777, 1024, 1500, 2048)
    dense = [
        (name, m, took(lambda c, o=matrices[own], m=m: step.product(c, o, m, 1)))
        for name, own in names.items()
        for m in tokens
    ]
    write(folder / "dense.csv", "layer,tokens,time_us", dense)
    copies = [(int(2.0**i), copy_us(int(2.0**i))) for i in range(12, 32)]
    write(folder / "copy.csv", "bytes,time_us", copies)
    step.work = MODEL
    per_sequence = [
        ("sampler", n, took(lambda c, n=n: step.sampling(c, n))) for n in (1, 2, 4, 8, 16, 32, 64, 128, 256)
    ]
    write(folder / "per_sequence.csv", "layer,sequences,time_us", per_sequence)
    rows = []
    for q in (0, 16, 100, 512, 2048):
        for c in (0, 128, 1024, 4096) if q else (0,):
            for n in (0, 1, 8, 32, 128):
                for k in (16, 256, 1024, 1400, 2048, 8192) if n else (0,):
                    if q or n:
                        decoding, chunks = [k - 1] * n, [(q, c)]
                        measure = step.mixed if q else step.decode
                        arguments = (decoding, chunks) if q else (decoding,)
                        rows.append((q, c, n, k, took(lambda o, f=measure, a=arguments: f(o, one(), *a))))
    write(folder / "attention.csv", "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us", rows)
    code, out, err = cli("calibrate", str(folder), *OPTIONS, "--out", "x.yaml")
    assert code == 0, err
    found = entry(tmp_path / "x.yaml")
    check(found, ("linear", "decode", "elementwise", "sampling", "prefill", "mixed"), tolerance=0.05)
    assert "mixed batches" in out


def test_rows_that_no_memory_can_have_served_are_left_out_and_counted(cli, own):
    path = own / "decode.csv"
    path.write_text(path.read_text() + "64,65536,4096,200\n64,32768,4096,100\n")
    code, out, _ = cli("calibrate", str(path), *OPTIONS, "--json", "-", "--quiet", "--out", "x.yaml")
    decode = json.loads(out)["cards"][0]["kernels"]["decode"]
    assert code == 0
    assert decode["rows_left_out"] == 2
    assert decode["constants"]["decode.bandwidth"] == pytest.approx(0.92, rel=0.03)
    assert decode["held_out"]["mean"] < 0.02


def test_the_catalogues_medians_are_those_of_its_cards():
    from statistics import median

    from hiersim.machine.catalogue.kernels import class_kernels
    from hiersim.machine.kernels import GROUPS

    cards = {"gddr": ("rtx-4090",), "hbm": ("a100-80g", "h100-sxm", "h200")}
    for name, machines in cards.items():
        usual = class_kernels(name)
        for group in GROUPS:
            own = [getattr(find_machine(each).units["gpu0"].kernels, group) for each in machines]
            measured = [each for each in own if each] or [
                getattr(find_machine("rtx-4090").units["gpu0"].kernels, group)
            ]
            for key, value in getattr(usual, group).model_dump(exclude={"provenance"}).items():
                assert value == median(getattr(each, key) for each in measured), (name, group, key)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none.csv",), "none.csv  cannot be read: No such file or directory"),
        (("mine/decode.csv",), "--machine  the catalogue has no card"),
        (("mine/decode.csv", "--bandwidth", "1 TB/s"), "give its sheet: --flops, --l2, or --machine NAME"),
        (("mine", "--machine", "rtx-4091"), "no machine `rtx-4091`; did you mean `rtx-4090`?"),
        (("mine", *OPTIONS, "--name", "My Card"), "--name  `My Card` is not a name"),
        (("mine", *OPTIONS, "--l2", "64"), "--l2  `64` has no unit"),
        (("mine", *OPTIONS, "--l2", "0 B"), "--l2  must be more than 0"),
        (("mine", *OPTIONS, "--unit", "b200"), "--unit  no card `b200` in the files (they have none by name)"),
        (("odd.csv", *OPTIONS), "odd.csv:1  header  no kernels that are known: a, b"),
        (("short.csv", *OPTIONS), "short.csv:3  line  has 1 cells, the header has 2"),
        (("word.csv", *OPTIONS), "word.csv:2  time_us  `fast` is not a number of 1e-09 or more"),
        (("header.csv", *OPTIONS), "header.csv  has no line below its header"),
        (("layers.csv", *OPTIONS), "--model  measures layers by name, so the model must be known"),
        (("empty", *OPTIONS), "has no .csv file in it"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(cli, own, tmp_path, arguments, words):
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    (tmp_path / "short.csv").write_text("bytes,time_us\n1,2\n3\n")
    (tmp_path / "word.csv").write_text("bytes,time_us\n1,fast\n")
    (tmp_path / "header.csv").write_text("bytes,time_us\n")
    (tmp_path / "layers.csv").write_text("layer,tokens,time_us\nqkv_proj,1,5\n")
    (tmp_path / "empty").mkdir()
    before = set(tmp_path.iterdir())
    code, out, err = cli("calibrate", *arguments)
    assert code == 2
    assert words in err
    assert "Traceback" not in err
    assert not out
    assert set(tmp_path.iterdir()) == before


def test_device_is_still_a_command_of_its_own(cli, own, tmp_path):
    shutil.copy(own / "nvme.csv", tmp_path / "nvme.csv")
    code, out, err = cli("calibrate", "device", "nvme.csv", "--name", "drive")
    assert code == 0, err
    assert "drive · flash" in out
    assert Path(tmp_path / "drive.yaml").exists()
