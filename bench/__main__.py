"""python -m bench exports|import|history: a table per database."""

from __future__ import annotations

import argparse
import sys

from bench import exports, history, imports


def main() -> int:
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    kinds = parser.add_subparsers(dest="what", required=True)
    out = kinds.add_parser("exports", help=exports.__doc__)
    out.add_argument("--orders", type=int, default=1000, metavar="N", help="files per database (default 1000)")
    out.add_argument("--workers", type=int, default=1, metavar="N", help="worker processes (default 1)")
    into = kinds.add_parser("import", help=imports.__doc__)
    into.add_argument("--rows", type=int, default=1_000_000, metavar="N", help="rows of the file (default 1000000)")
    into.add_argument("--profile", action="store_true", help="also say where the time goes")
    past = kinds.add_parser("history", help=history.__doc__)
    past.add_argument("--rows", type=int, default=1_000_000, metavar="N", help="executions (default 1000000)")
    past.add_argument("--plans", action="store_true", help="also print how the database reads each")
    options = parser.parse_args()
    if options.what == "exports":
        exports.run(options.orders, workers=options.workers)
    elif options.what == "history":
        history.run(options.rows, plans=options.plans)
    else:
        imports.run(options.rows, profile=options.profile)
    return 0


if __name__ == "__main__":
    sys.exit(main())
