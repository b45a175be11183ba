"""From a move of a slider to other curves in the browser, how long: ``python -m benchmarks.explorer``.

The explorer runs in a process of its own, as the command starts it; Debian's Chromium opens it. A key moves
a slider by one step; the clock runs from the event in the browser to the end of the frame in which a plot was
drawn last: every plot that follows the move has then followed it. What is drawn is told by the
calls that draw, not by reading pixels, which would keep the browser busy while it is measured; pixels are
compared before and after, and a move that left them as they were counts as undrawn. On a virtual machine the
last column tells which share of the processor time that was asked for went to others.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.bystanders import Clock, share_stolen

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
WATCH = """
window.pixels = () => {
  const found = [];
  const walk = (root) => {
    for (const one of root.querySelectorAll("*")) {
      if (one.shadowRoot) walk(one.shadowRoot);
      if (one.tagName === "CANVAS" && one.width) found.push(one);
    }
  };
  walk(document);
  return found.map((one) => {
    const data = one.getContext("2d").getImageData(0, 0, one.width, one.height).data;
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) {
      sum = (sum * 31 + data[i] + 3 * data[i + 1] + 7 * data[i + 2]) | 0;
    }
    return sum;
  }).join();
};
const seen = { began: NaN, last: NaN, noted: true };
const drawing = CanvasRenderingContext2D.prototype;
for (const name of ["clearRect", "stroke", "fillText"]) {
  const draw = drawing[name];
  drawing[name] = function (...given) {
    if (seen.noted) {
      seen.noted = false;
      setTimeout(() => {  // after the frame that is being drawn
        seen.noted = true;
        seen.last = performance.now();
      }, 0);
    }
    return draw.apply(this, given);
  };
}
document.addEventListener("input", () => {
  seen.began = performance.now();
  seen.last = NaN;
}, { capture: true });
window.arm = () => { window.before = window.pixels(); seen.began = NaN; };
window.took = () => window.pixels() === window.before ? NaN : seen.last - seen.began;
"""
QUIET = 600
"""How long after a move it is seen what was drawn, ms."""
CASES = (
    ("imatinib_k562r", "dose", "imatinib, µM"),
    ("imatinib_k562r", "parameter", "il1b_secretion_K562R"),
    ("coculture_imatinib", "dose", "imatinib, µM"),
    ("coculture_imatinib", "parameter", "il1b_secretion_K562R"),
)


def main() -> int:
    """Measure all cases and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=40, help="moves per case (default 40)")
    moves = parser.parse_args().moves
    chromium = shutil.which("chromium")
    if chromium is None:
        print("no Chromium here: apt-get install chromium", file=sys.stderr)
        return 2
    from playwright.sync_api import sync_playwright

    columns = ("scenario", "slider", "median ms", "95 % ms", "moves", "undrawn", "stolen")
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for scenario, kind, label in CASES:
            before = Clock.now()
            with _served(scenario) as address:
                took = _measured(browser, address, kind, label, moves)
            stolen = share_stolen(before)
            print(f"| {scenario} | {kind} | {_summary(took)} | {stolen:.0%} |", flush=True)
    return 0


def _summary(took: list[float]) -> str:
    """Return median, 95 % quantile, how many moves were drawn, and how many never were."""
    drawn = [one for one in took if math.isfinite(one)]
    median = high = math.nan
    if len(drawn) > 1:
        median, high = statistics.median(drawn), statistics.quantiles(drawn, n=20)[-1]
    return f"{median:.0f} | {high:.0f} | {len(drawn)} | {len(took) - len(drawn)}"


@contextmanager
def _served(scenario: str) -> Iterator[str]:
    given = ["--parameters", "il1b_secretion_K562R=25", "--no-browser"]
    command = [sys.executable, "-m", "nicheloop.cli.main", "explore", scenario, *given]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+/", process.stdout.readline())
            assert found is not None
            yield found[0]
        finally:
            process.terminate()


def _measured(browser: Any, address: str, kind: str, label: str, moves: int) -> list[float]:
    """Return how long each move took to its last drawing, ms; NaN if nothing was drawn.

    The first five moves are left out.
    """
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(address)
    name = label if kind == "dose" else re.compile(f"^{label}")
    slider = page.get_by_role("slider", name=name)
    slider.wait_for()
    page.wait_for_timeout(1500)
    page.evaluate(WATCH)
    slider.focus()
    took = []
    for _ in range(moves + 5):
        page.evaluate("arm()")
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(QUIET)
        took.append(float(page.evaluate("took()")))
    page.close()
    return took[5:]


if __name__ == "__main__":
    sys.exit(main())
