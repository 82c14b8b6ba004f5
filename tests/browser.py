"""A page as a browser draws it: what the tests of all pages share."""

import contextlib
import html
import json
import re
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
             "--window-size=1280,6000", "--virtual-time-budget=5000", "--dump-dom",
             page.as_uri()]  # fmt: skip
    shown = ""
    for turn in range(6):  # each with a profile of its own: a page keeps marks in it
        with contextlib.suppress(subprocess.TimeoutExpired):
            shown = subprocess.run(
                [*words, f"--user-data-dir={profile}-{turn}"], capture_output=True, text=True, timeout=60
            ).stdout
            drawn = html.unescape(shown.split('<script type="application/json"')[0])
            if all(sign in drawn for sign in signs):
                return shown
    if "</html>" not in shown:
        pytest.skip("the browser did not start")
    return shown


def acted_in_a_browser(page, profile, width, script):
    """What `script`, the body of an async function, returns in a copy of the page in a frame of this width."""
    copy, frame = page.with_name("acted.html"), page.with_name("frame.html")
    said = f"""<script>addEventListener("load", () => setTimeout(async () => {{
        let said; try {{ said = await (async () => {{ {script} }})(); }} catch (error) {{ said = String(error); }}
        parent.postMessage(JSON.stringify({{ said }}), "*"); }}, 200));</script></body>"""
    copy.write_text(page.read_text().replace("</body>", said))
    frame.write_text(f"""<iframe src="acted.html" style="width: {width}px; height: 900px; border: 0"></iframe>
        <pre></pre>
        <script>addEventListener("message", event => document.querySelector("pre").textContent = event.data)</script>
        <script type="application/json"></script>""")
    shown = drawn_by_a_browser(frame, profile, ['{"said"'])
    return json.loads(html.unescape(re.search("<pre>(.*?)</pre>", shown, re.S)[1]))["said"]


ACTIONS = """
    const all = selector => [...document.querySelectorAll(selector)], root = document.documentElement;
    const wait = ms => new Promise(done => setTimeout(done, ms));
    const set = async (node, value) => { node.value = value; node.dispatchEvent(new Event("input"));
        node.dispatchEvent(new Event("change")); await wait(300); };
    const browse = document.getElementById("browse"), shown = () => all("#browse figure, #browse .records li").length;
"""
