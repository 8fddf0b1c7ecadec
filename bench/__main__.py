"""python -m bench exports [--orders N]: one table per database."""

from __future__ import annotations

import argparse
import sys

from bench import exports


def main() -> int:
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("what", choices=["exports"])
    parser.add_argument("--orders", type=int, default=1000, metavar="N", help="files per database (default 1000)")
    options = parser.parse_args()
    exports.run(options.orders)
    return 0


if __name__ == "__main__":
    sys.exit(main())
