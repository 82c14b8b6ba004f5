"""A page as a browser draws it: what the tests of all pages share."""

import contextlib
import html
import shutil
import subprocess

import pytest

needs_browser = pytest.mark.skipif(not shutil.which("chromium"), reason="looks at the page with a browser")


def drawn_by_a_browser(page, profile, signs):
    """The document as a browser has it once all signs are drawn; a browser that does not start is no fault of ours.

    The page draws an article when it comes into view, and a headless browser may end before its first frame: about one
    try of ten on a busy machine.
    """
    words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             f"--user-data-dir={profile}", "--window-size=1280,6000", "--virtual-time-budget=5000", "--dump-dom",
             page.as_uri()]  # fmt: skip
    shown = ""
    for _ in range(6):
        with contextlib.suppress(subprocess.TimeoutExpired):
            shown = subprocess.run(words, capture_output=True, text=True, timeout=60).stdout
            drawn = html.unescape(shown.split('<script type="application/json"')[0])
            if all(sign in drawn for sign in signs):
                return shown
    if "</html>" not in shown:
        pytest.skip("the browser did not start")
    return shown
