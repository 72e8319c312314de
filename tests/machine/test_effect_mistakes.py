"""Impossible figures of parts, given by an override of a ready machine: one line with the key and what is allowed."""

import pytest

from hiersim.config import load
from hiersim.errors import ConfigError


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("tiers.hbm.efficiency=1.2", "--set  {}  `1.2` is out of range; a share is at most 1"),
        ("tiers.hbm.read_latency=-4 ns", "--set  {}  `-4 ns` is negative"),
        ("tiers.flash.queue_depth=0", "--set  {}  expected at least 1, not `0`"),
        ("tiers.flash.nand.over_provisioning=0", "--set  {}  random writes need spare blocks: with 0 their"),
        ("tiers.flash.nand.dies=0", "--set  {}  expected at least 1, not `0`"),
        ("tiers.flash.nand.dice=8", "--set  {}  unknown key; did you mean `dies`?"),
        ("tiers.flash.nand.alignment=3 kB", "--set  {}  must divide the mapping unit of 4,096 bytes"),
        ("tiers.flash.slc_cache={capacity: 1 GB, bandwidth: 9 GB/s}", "--set  {}.bandwidth  is more than `write_bandw"),
        ("tiers.flash.slc_cache={capacity: 1 GB}", "--set  {}.bandwidth  part `pm1743-15t` has no figure for `slc_cac"),
        ("tiers.hbm.loaded_latency.asymptote=1", "--set  {}  expected more than 1.0, not `1`"),
        ("tiers.hbm.turnaround=-1", "--set  {}  expected at least 0.0, not `-1`"),
        ("tiers.hbm.sharpness=3", "--set  {}  stands beside `turnaround`; a tier has the one or the other"),
        ("tiers.flash.sharpness=0", "--set  {}  expected at least 1, not `0`"),
        ("links.pcie.packets.driven_by=third", "--set  {}  `third` is not one of first, second"),
        ("links.pcie.packets.read_request=128 B", "--set  {}  must be at least the payload of 256 bytes"),
        ("links.pcie.background=99 GB/s", "--set  {}  the traffic of others takes all of the bandwidth"),
        ("tiers.flash.part=optan", "--set  {}  no part `optan`"),
        ("tiers.flash.part=lost.yaml", "--set  {}  no such file: lost.yaml"),
        (
            "tiers.dram.duplex=full",
            "run.yaml:1  machine.tiers.dram.turnaround  directions of their own do not take turns",
        ),
        ("tiers.cxl.duplex=half", "run.yaml:1  machine.tiers.cxl.media_bandwidth  a half-duplex tier is one medium"),
    ],
)
def test_an_impossible_figure(tmp_path, monkeypatch, override, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text("machine: h100-sxm-cxl\ntrace: x.parquet\n")
    with pytest.raises(ConfigError) as error:
        load("run.yaml", [f"machine.{override}"])
    got = str(error.value)
    assert got.startswith(line.format(f"machine.{override.partition('=')[0]}"))
    assert len(error.value.mistakes) == 1
    assert "\n" not in str(error.value)
