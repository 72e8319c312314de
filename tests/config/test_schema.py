"""The JSON Schema for editors accepts what the loader accepts, and finds what it can find in one file."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from hiersim.config import load, schema
from hiersim.errors import ConfigError
from hiersim.machine.catalogue import find_machine, machine_data, machine_names

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
START = "machine: h100-sxm\ntrace: x.csv\n"


@pytest.fixture(scope="module")
def check():
    jsonschema.Draft202012Validator.check_schema(schema())
    return jsonschema.Draft202012Validator(schema())


def test_it_is_plain_json():
    assert json.loads(json.dumps(schema())) == schema()
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_shipped_scenarios_validate(check, path):
    check.validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("name", machine_names())
def test_the_catalogues_machines_validate(check, name):
    check.validate({"machine": machine_data(name), "trace": "x"})
    assert find_machine(name).name == name


GOOD = [
    START,
    START + "outputs: {timeline: true, timeline_window: 1 ms..2.5 s, timeline_shortest: 5 us}\n",
    START + "outputs: {timeline_window: 0..1 us}\n",
    "extends: x.yaml\n",
    "extends: x.yaml\ntiers: {cxl: null}\ntrace: {limit: 5}\n",
    START + "tiers: {hbm: {capacity: 1.5 GiB, policy: {name: lru, params: {}}}, dram: {promotion: never}}\n",
    START + "tiers: {hbm: {promotion: {on_nth_hit: 2}, policy: 'lru'}}\nclasses: {kv: {flops_per_byte: 10}}\n",
    START + "replay: {mode: open, time_scale: 0.5, think: 0, unit: gpu0}\noutputs: {timeline: true}\nseed: 3\n",
    "machine: {extends: h100-sxm, tiers: {hbm: {efficiency: 80%}, dram: {efficiency: 0.9}}}\ntrace: x\n",
    "machine: {extends: rtx-4090, tiers: {gddr: {capacity: {value: 9 GB, source: x, confidence: vendor}}}}\ntrace: x\n",
    "machine: {extends: rtx-4090, tiers: {flash: {nand: {dies: 8}, slc_cache: null}}}\ntrace: x\n",
    "machine: {extends: rtx-4090, tiers: {flash: {nand: {dies: {value: 8, source: x, confidence: vendor}}}}}\n"
    "trace: x\n",
    "machine: {extends: rtx-4090, tiers: {flash: {part: ./drive.yaml}}}\ntrace: x\n",
    "machine: {extends: rtx-4090, tiers: {flash: {part: 'drive.yaml#drive'}}}\ntrace: x\n",
    "machine: rtx-4090\ntrace: {generate: {kind: zipf, params: {alpha: 1.2}}, block_bytes: 4 KiB}\n",
    START + "agents: [{kind: next_n, params: {depth: 3}}]\nname: a\nsummary: b\n",
]
BAD = [
    START + "outputs: {timeline_window: 1 ms}\n",
    START + "outputs: {timeline_window: 1..2 ms}\n",
    START + "outputs: {timeline_shortest: 5}\n",
    START + "sede: 1\n",
    START + "tiers: {hbm: {capcity: 1 GiB}}\n",
    START + "tiers: {hbm: {capacity: 40}}\n",
    START + "tiers: {hbm: {capacity: 40 us}}\n",
    START + "tiers: {hbm: {capacity: 40 Gib}}\n",
    START + "tiers: {hbm: {write: behind}}\n",
    START + "tiers: {HBM: {}}\n",
    START + "tiers: {hbm: {promotion: often}}\n",
    START + "tiers: 5\n",
    START + "replay: {streams: 0}\n",
    START + "replay: {streams: many}\n",
    START + "seed: -1\n",
    START + "agents: {kind: x}\n",
    "machine: h100-sxm\n",
    "machine: 5\ntrace: x\n",
    "machine: {extends: h100-sxm, tiers: {hbm: {part: pcie5-x16}}}\ntrace: x\n",
    "machine: {extends: h100-sxm, tiers: {hbm: {kind: hbn}}}\ntrace: x\n",
    "machine: {extends: h100-sxm, tiers: {flash: {nand: {dies: 0}}}}\ntrace: x\n",
    "machine: {extends: h100-sxm, tiers: {flash: {nand: {dice: 8}}}}\ntrace: x\n",
    "machine: {extends: h100-sxm, tiers: {hbm: {loaded_latency: {asymptote: 1}}}}\ntrace: x\n",
    "machine: {extends: h100-sxm, tiers: {flash: {part: drive}}}\ntrace: x\n",
    "machine: {extends: h100-sxm, links: {pcie: {between: [hbm]}}}\ntrace: x\n",
    "machine: {extends: h100-sxm, units: {gpu0: {flops: {bf15: 1 TFLOP/s}}}}\ntrace: x\n",
    "machine: h100-sxm\ntrace: {time_unit: fortnight, path: x}\n",
]


@pytest.mark.parametrize("text", GOOD)
def test_it_accepts_what_the_loader_accepts(check, text, tmp_path):
    check.validate(yaml.safe_load(text))
    (tmp_path / "good.yaml").write_text(text)
    (tmp_path / "x.yaml").write_text("machine: h100-sxm-cxl\ntrace: x\ntiers: {hbm: {}, cxl: {}, flash: {}}\n")
    drive = "kind: flash, capacity: 1 TB, read_bandwidth: 1 GB/s, write_bandwidth: 1 GB/s"
    drive = f"{{is: tier, figures: {{{drive}, read_latency: 1 us, write_latency: 1 us}}}}"
    (tmp_path / "drive.yaml").write_text(f"drive: {drive}\n")
    load(tmp_path / "good.yaml")


@pytest.mark.parametrize("text", BAD)
def test_it_refuses_what_the_loader_refuses(check, text, tmp_path):
    assert not check.is_valid(yaml.safe_load(text))
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(ConfigError):
        load(tmp_path / "bad.yaml")
