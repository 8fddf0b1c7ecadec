"""python -m sandbox: the demo's SFTP server."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from sandbox.place import VARIABLES, Place
from sandbox.server import serve


def main() -> int:
    place = Place.from_env(os.environ)
    if place is None:
        sys.stderr.write(f"The sandbox needs {', '.join(VARIABLES)}; bin/run sets them.\n")
        return 2
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    asyncio.run(serve(place))
    return 0


if __name__ == "__main__":
    sys.exit(main())
