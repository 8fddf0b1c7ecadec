"""python -m bench exports|import: a table of ratios per database."""

from __future__ import annotations

import argparse
import sys

from bench import exports, imports


def main() -> int:
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    kinds = parser.add_subparsers(dest="what", required=True)
    out = kinds.add_parser("exports", help=exports.__doc__)
    out.add_argument("--orders", type=int, default=1000, metavar="N", help="files per database (default 1000)")
    into = kinds.add_parser("import", help=imports.__doc__)
    into.add_argument("--rows", type=int, default=1_000_000, metavar="N", help="rows of the file (default 1000000)")
    into.add_argument("--profile", action="store_true", help="also say where the time goes")
    options = parser.parse_args()
    if options.what == "exports":
        exports.run(options.orders)
    else:
        imports.run(options.rows, profile=options.profile)
    return 0


if __name__ == "__main__":
    sys.exit(main())
