"""From a move of a slider to other curves in the browser, how long: ``python -m benchmarks.explorer``.

The explorer runs in a process of its own, as the command starts it; Debian's Chromium opens it. A key moves
a slider by one step; the clock runs from the event in the browser to the first frame in which the pixels of a
plot are others. Reading the pixels of all plots in every frame is part of what is measured: how long one
reading takes is told, too.
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
window.arm = () => {
  const before = window.pixels();
  window.took = new Promise((resolve) => {
    setTimeout(() => resolve(NaN), 5000);  // at an end of the slider, the event itself never comes
    document.addEventListener("input", () => {
      const began = performance.now();
      const look = () => {
        if (window.pixels() !== before) resolve(performance.now() - began);
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    }, { capture: true, once: true });
  });
};
"""
READ = "(() => { const began = performance.now(); window.pixels(); return performance.now() - began; })()"
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

    print("| scenario | slider | median ms | 95 % ms | moves | without a redraw | reading ms |")
    print("|---|---|---|---|---|---|---|")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for scenario, kind, label in CASES:
            with _served(scenario) as address:
                took, reading = _measured(browser, address, kind, label, moves)
            print(f"| {scenario} | {kind} | {_summary(took)} | {reading:.0f} |", flush=True)
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


def _measured(browser: Any, address: str, kind: str, label: str, moves: int) -> tuple[list[float], float]:
    """Return how long each move took, ms, NaN if no redraw came within 5 s, and a reading of all pixels.

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
    reading = statistics.median(float(page.evaluate(READ)) for _ in range(5))
    took = []
    for _ in range(moves + 5):
        page.evaluate("arm()")
        page.keyboard.press("ArrowRight")
        took.append(float(page.evaluate("window.took")))
        page.wait_for_timeout(80)
    page.close()
    return took[5:], reading


if __name__ == "__main__":
    sys.exit(main())
