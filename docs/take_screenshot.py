"""Write docs/report.png: the top of the demo's report, as headless Chromium shows it.

In:  outputs/demo/report.html, which `make demo` writes; Chromium on the PATH (Debian's package `chromium`).
Out: docs/report.png, with few colours, so that it stays under 300 KB.

    python docs/take_screenshot.py
    python docs/take_screenshot.py --page outputs/substring/DTD/report.html --output /tmp/report.png --height 1200
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MOST_BYTES = 300_000
COLOURS = 256  # as many as a PNG with a palette can have: with half of them yellow images look brown


def make_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", type=Path, default=ROOT / "outputs" / "demo" / "report.html", metavar="FILE")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "report.png", metavar="FILE")
    parser.add_argument("--width", type=int, default=1400, help="of the browser window, pixels (default %(default)s)")
    parser.add_argument("--height", type=int, default=1290, help="keep this much of the top (default %(default)s)")
    return parser


def main(argv: list[str] | None = None) -> int:
    flags = make_parser().parse_args(argv)
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser:
        print(f"error: none of {', '.join(BROWSERS)} is installed (Debian: apt install chromium)", file=sys.stderr)
        return 2
    if not flags.page.is_file():
        print(f"error: --page {flags.page} is not there: run make demo first", file=sys.stderr)
        return 2
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        taken = Path(folder) / "page.png"
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}",
            f"--window-size={flags.width},{flags.height}", "--virtual-time-budget=8000", f"--screenshot={taken}",
            flags.page.resolve().as_uri(),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if not taken.is_file():
            print(f"error: {browser} took no screenshot: {done.stderr.strip()[-300:]}", file=sys.stderr)
            return 1
        Image.open(taken).convert("RGB").quantize(COLOURS).save(flags.output, optimize=True)
    size = flags.output.stat().st_size
    print(f"{flags.output}: {size:,} bytes")
    return 0 if size <= MOST_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
