"""All benchmarks in turn, each in a process of its own; ``--small`` for a quick look at all of them."""

import argparse
import subprocess
import sys
from pathlib import Path

ALL = {
    "policies.py": ["--requests", "1000000"],
    "growth.py": ["--objects", "100000", "--accesses", "1000000"],
    "stream.py": ["--accesses", "2000000", "--objects", "200000"],
    "curves.py": ["--requests", "500000", "--objects", "50000"],
    "traces.py": ["1000000"],
    "core.py": ["--accesses", "100000"],
    "operations.py": ["--operations", "100000", "--twin", "500"],
    "sweep.py": ["--points", "100", "--kills", "3", "--repeat", "1"],
}


def main():
    """Run them; the exit code is that of the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a twentieth of the sizes and less")
    small = parser.parse_args().small
    for name, fewer in ALL.items():
        print(f"\n=== {name}", flush=True)
        run = subprocess.run([sys.executable, Path(__file__).with_name(name), *(fewer if small else [])], check=False)
        if run.returncode:
            sys.exit(run.returncode)


if __name__ == "__main__":
    main()
