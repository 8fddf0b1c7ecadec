"""python -m screenshots: pictures of every page, wide and narrow, light and dark, as each kind of user sees it."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from pathlib import Path

from screenshots.demo import ROOT, open_demo
from screenshots.walk import Walk
from tests.browser import open_browser
from tests.settings import make_settings
from webapp import create_app


def main() -> int:
    parser = argparse.ArgumentParser(prog="bin/screenshots", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "screenshots", help="emptied first")
    folder = parser.parse_args().out
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    shutil.rmtree(folder, ignore_errors=True)
    # Never connected to: the application only tells pages apart.
    routes = create_app(make_settings(database_url="sqlite:///nowhere", redis_url="redis://")).url_map.bind("")
    faults: list[str] = []
    with open_demo() as demo, open_browser() as browser:
        for person in demo.people:
            walk = Walk(person, routes, folder)
            walk.run(browser.new_context(reduced_motion="reduce"), demo.url)
            print(f"{person}: {len(walk.seen)} kinds of page, {len(walk.faults)} faults", flush=True)
            faults += walk.faults
    for fault in faults:
        print(fault)
    print(f"The pictures are in {folder}")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
