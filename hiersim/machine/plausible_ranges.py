"""What figures of each kind of part lie between: from the slowest old part to what is announced, with some room.

A range holds every part of the catalogue. It is as narrow as honesty allows, so that a figure in bits for bytes (8
times off) or with the prefix of the next unit (1000 or 1024 times off) falls out of it wherever the kind is narrow.
"""

DIMENSIONS = {
    "capacity": "bytes",
    "read_bandwidth": "bytes/s",
    "write_bandwidth": "bytes/s",
    "media_bandwidth": "bytes/s",
    "bandwidth": "bytes/s",
    "backward_bandwidth": "bytes/s",
    "read_latency": "time",
    "write_latency": "time",
    "latency": "time",
    "overhead": "time",
    "granularity": "bytes",
    "read_energy": "energy/bit",
    "write_energy": "energy/bit",
    "energy": "energy/bit",
    "read_ops": "ops/s",
    "write_ops": "ops/s",
    "ops": "ops/s",
    "efficiency": "share",
    "background_power": "power",
    "loaded_latency.rise": "time",
    "activation.energy": "energy",
    "nand.page": "bytes",
    "nand.read": "time",
    "nand.program": "time",
    "slc_cache.capacity": "bytes",
    "slc_cache.bandwidth": "bytes/s",
    "packets.max_payload": "bytes",
}
"""Figures that have a range, and what they measure: keys of ``units.DIMENSIONS``."""

TIERS = {
    "sram": {
        "capacity": "1 KiB to 256 MiB",
        "bandwidth": "30 GB/s to 100 TB/s",
        "latency": "100 ps to 100 ns",
        "granularity": "4 B to 256 B",
        "energy": "0.005 pJ/bit to 2 pJ/bit",
        "background_power": "2 mW to 9 W",
    },
    "l2": {
        "capacity": "512 KiB to 2 GiB",
        "bandwidth": "300 GB/s to 50 TB/s",
        "latency": "5 ns to 1 us",
        "granularity": "16 B to 256 B",
        "energy": "0.5 pJ/bit to 10 pJ/bit",
    },
    "hbm": {
        "capacity": "1 GiB to 2 TiB",
        "bandwidth": "20 GB/s to 40 TB/s",
        "latency": "20 ns to 2 us",
        "granularity": "16 B to 256 B",
        "energy": "1.5 pJ/bit to 15 pJ/bit",
    },
    "gddr": {
        "capacity": "1 GiB to 256 GiB",
        "bandwidth": "40 GB/s to 4 TB/s",
        "latency": "50 ns to 2 us",
        "granularity": "16 B to 128 B",
        "energy": "3 pJ/bit to 20 pJ/bit",
    },
    "lpddr": {
        "capacity": "1 GiB to 2 TiB",
        "bandwidth": "6 GB/s to 1.6 TB/s",
        "latency": "20 ns to 1 us",
        "granularity": "16 B to 128 B",
        "energy": "2 pJ/bit to 20 pJ/bit",
    },
    "ddr": {
        "capacity": "1 GiB to 12 TiB",
        "bandwidth": "10 GB/s to 2 TB/s",
        "latency": "20 ns to 1 us",
        "granularity": "32 B to 256 B",
        "energy": "3 pJ/bit to 40 pJ/bit",
        "background_power": "100 mW to 1 kW",
    },
    "cxl": {
        "capacity": "4 GiB to 32 TiB",
        "bandwidth": "4 GB/s to 130 GB/s",
        "latency": "80 ns to 5 us",
        "granularity": "32 B to 256 B",
        "energy": "3 pJ/bit to 60 pJ/bit",
    },
    "pmem": {
        "capacity": "8 GiB to 12 TiB",
        "bandwidth": "1 GB/s to 80 GB/s",
        "latency": "50 ns to 5 us",
        "granularity": "64 B to 256 B",
    },
    "flash": {
        "capacity": "32 GB to 256 TB",
        "read_bandwidth": "200 MB/s to 32 GB/s or 1.2 TB/s to 2 TB/s",
        "write_bandwidth": "50 MB/s to 28 GB/s or 100 GB/s to 1 TB/s",
        "read_latency": "2 us to 1 ms",
        "write_latency": "2 us to 5 ms",
        "granularity": "512 B to 64 KiB",
        "energy": "20 pJ/bit to 4 nJ/bit",
        "read_ops": "10 kIOPS to 50 MIOPS",
        "write_ops": "5 kIOPS to 20 MIOPS",
        "nand.page": "2 KiB to 64 KiB",
        "nand.read": "2 us to 300 us",
        "nand.program": "50 us to 10 ms",
        "slc_cache.capacity": "1 GB to 1 TB",
        "slc_cache.bandwidth": "50 MB/s to 12 GB/s",
    },
    "remote": {
        "capacity": "1 GiB to 64 PiB",
        "bandwidth": "100 MB/s to 1 TB/s",
        "latency": "500 ns to 1 s",
    },
}
"""Ranges by kind of tier; ``bandwidth``, ``latency`` and ``energy`` stand for those of reads and of writes."""

OF_MEMORY = {"loaded_latency.rise": "1 ns to 500 ns", "activation.energy": "200 pJ to 50 nJ"}
"""Ranges of effects that memories have."""

ANY = {"efficiency": "0.2 to 1", "background_power": "20 mW to 400 W"}
"""Ranges of every tier and link that states no other."""

LINKS = {
    "pcie": {
        "bandwidth": "240 MB/s to 260 GB/s",
        "latency": "100 ns to 20 us",
        "energy": "2 pJ/bit to 20 pJ/bit",
        "packets.max_payload": "128 B to 512 B",
    },
    "nvlink": {
        "bandwidth": "50 GB/s to 2 TB/s",
        "latency": "50 ns to 20 us",
        "granularity": "16 B to 256 B",
        "energy": "1 pJ/bit to 15 pJ/bit",
    },
    "c2c": {
        "bandwidth": "100 GB/s to 2 TB/s",
        "latency": "1 ns to 2 us",
        "granularity": "16 B to 256 B",
        "energy": "0.2 pJ/bit to 5 pJ/bit",
    },
    "cxl": {
        "bandwidth": "7 GB/s to 130 GB/s",
        "latency": "20 ns to 2 us",
        "granularity": "32 B to 256 B",
        "energy": "2 pJ/bit to 20 pJ/bit",
    },
    "nvme": {
        "bandwidth": "900 MB/s to 31 GB/s",
        "latency": "100 ns to 20 us",
        "energy": "2 pJ/bit to 20 pJ/bit",
        "packets.max_payload": "128 B to 512 B",
    },
    "network": {
        "bandwidth": "100 MB/s to 2 TB/s",
        "latency": "500 ns to 1 s",
        "energy": "2 pJ/bit to 200 pJ/bit",
        "ops": "10 kIOPS to 1 GIOPS",
    },
    "bus": {
        "bandwidth": "100 MB/s to 100 TB/s",
        "latency": "100 ps to 100 us",
        "energy": "0.01 pJ/bit to 20 pJ/bit",
    },
}
"""Ranges by kind of link; ``bandwidth`` stands for both directions."""

READS_TO_WRITES = {
    **dict.fromkeys(("sram", "l2", "hbm", "gddr", "lpddr", "ddr"), "0.4 to 2.5"),
    **dict.fromkeys(("cxl", "pmem"), "0.6 to 5"),
    "flash": "0.6 to 8",
}
"""How many times the read bandwidth is the write bandwidth."""

PASSES = {"hbm": "8 ms to 100 ms", "gddr": "12 ms to 150 ms"}
"""How long reading all of a tier takes: its chips come with so many pins for their bytes."""
