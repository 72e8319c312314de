"""``python -m hiersim.studies.device_curves TABLE FOLDER``: write the page of device curves and its pictures."""

from __future__ import annotations

import sys
from pathlib import Path

from hiersim.errors import HiersimError
from hiersim.studies.device_curves import curves_of, read_table
from hiersim.studies.device_curves.page import write_page

USAGE = (
    "usage: python -m hiersim.studies.device_curves TABLE FOLDER   (the CSV of measured points, where the page goes)"
)


def main(words: list[str]) -> int:
    """Write the page; return 0, or 2 when the words or the table are wrong."""
    if len(words) != 2:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        written = write_page(curves_of(read_table(words[0])), Path(words[1]))
    except HiersimError as why:
        print(why, file=sys.stderr)
        return 2
    print(f"{len(written)} files in {words[1]}: {written[0].name} and its pictures")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
