"""The page in a real browser: Debian's Chromium, driven by Playwright; skipped where either is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import nicheloop as nl

from .test_claims_and_data import PLATE

pytest.importorskip("panel", reason='the explorer is not installed: pip install ".[explore]"')
sync_api = pytest.importorskip(
    "playwright.sync_api", reason="Playwright is not installed: pip install playwright"
)
CHROMIUM = shutil.which("chromium")
if CHROMIUM is None:
    pytest.skip("no Chromium here: apt-get install chromium", allow_module_level=True)

ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
CURVES = """
() => Bokeh.documents.flatMap(one => [...one._all_models.values()])
  .filter(model => model.type === "GlyphRenderer" && model.glyph.type === "Line")
  .map(model => [model.name, Array.from(model.data_source.data.y ?? [])])
  .filter(([, values]) => values.length > 0)
"""
"""What the browser has of every curve: its name and its values."""
CHECKED = """
() => Bokeh.documents.flatMap(one => [...one._all_models.values()])
  .filter(model => model.type === "CheckboxGroup").flatMap(model => model.active)
"""
"""Which read-outs are ticked."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Return where the command serves a co-culture, in a process of its own."""
    command = [sys.executable, "-m", "nicheloop.cli.main", "explore", "coculture_imatinib", "--no-browser"]
    paths = [str(Path(__file__).parents[2] / "model"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            told = process.stdout.readline()
            yield re.search(r"http://127\.0\.0\.1:\d+/", told)[0]  # type: ignore[index]
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """Return an open page; nothing may be asked of any other machine, and no script may fail."""
    opened = browser.new_page(viewport={"width": 1280, "height": 800})
    asked: list[str] = []
    failed: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("websocket", lambda socket: asked.append(socket.url))
    opened.on("pageerror", lambda error: failed.append(str(error)))
    opened.goto(address)
    opened.get_by_role("slider", name="imatinib, µM").wait_for()
    opened.wait_for_function(f"({CURVES})().length > 4")
    yield opened
    opened.close()
    assert [url for url in asked if not re.match(r"(http|ws)://127\.0\.0\.1:\d+/|data:|blob:", url)] == []
    assert any(url.startswith("ws://") for url in asked)
    assert failed == []


def changed(page: Any, before: Any) -> Any:
    """Wait until the curves are others, and return them."""
    page.wait_for_function(f"before => JSON.stringify(({CURVES})()) !== before", arg=before)
    return page.evaluate(f"() => JSON.stringify(({CURVES})())")


def curves(page: Any) -> Any:
    return page.evaluate(f"() => JSON.stringify(({CURVES})())")


def test_dragging_a_slider_changes_the_curves_while_it_is_dragged(page: Any) -> None:
    slider = page.get_by_role("slider", name="imatinib, µM")
    box = slider.bounding_box()
    before = curves(page)
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], middle, steps=5)
    dragged = changed(page, before)
    page.mouse.move(box["x"] + 0.9 * box["width"], middle, steps=5)
    page.mouse.up()
    changed(page, dragged)
    field = page.get_by_label("imatinib, µM, value")
    sync_api.expect(field).to_have_value(re.compile(r"^[2-6]\d"))  # µM: nine tenths of four decades


def test_the_keyboard_reaches_and_moves_every_control(page: Any) -> None:
    name = """() => {
      let at = document.activeElement;
      while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
      if (!at || at === document.body) return "";
      const told = at.getAttribute("aria-label") || at.labels?.[0]?.textContent || at.textContent;
      return `${at.tagName}:${told}`;
    }"""
    page.locator("h1").click()
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(name))
    for wanted in (
        "SELECT:Scenario", "INPUT:imatinib, µM", "INPUT:imatinib, µM, value",
        "SELECT:Add a treatment or knock-down",
        "INPUT:K562R seeded, cells/mL", "INPUT:stroma seeded, cells/mL", "INPUT:Duration, h",
        "INPUT:Add a parameter (type part of its name)", "SELECT:Why K562R resists",
        "SELECT:Promoter of stromal CXCL11", "BUTTON:Curves", "BUTTON:Your data", "BUTTON:Claims",
        "BUTTON:Export",
        "BUTTON:Pin these curves", "BUTTON:Reset all", "INPUT:viability",
    ):  # fmt: skip
        assert any(got.startswith(wanted) for got in reached), (wanted, reached)
    assert not [
        got for got in reached if got.startswith(("INPUT:", "SELECT:", "BUTTON:")) and got.endswith(":")
    ]
    before = curves(page)
    page.get_by_role("slider", name="stroma seeded, cells/mL").focus()
    page.keyboard.press("PageUp")
    changed(page, before)


def added(page: Any, name: str) -> Any:
    """Add a parameter, and return its number field."""
    search = page.get_by_label("Add a parameter (type part of its name)")
    search.click()
    page.keyboard.type(name.lower(), delay=20)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    field = page.get_by_role("spinbutton", name=re.compile(f"^{name}"))
    field.wait_for()
    return field


def test_another_scenario_comes_to_rest_with_its_read_outs(page: Any) -> None:
    chooser = page.get_by_label("Scenario")
    for source in ("stroma_il1b", "coculture_imatinib", "transwell_cxcl11"):
        before = curves(page)
        chooser.select_option(label=nl.load_scenario(source).title)
        changed(page, before)
        page.wait_for_timeout(1000)
        seen = set()
        for _ in range(15):
            seen.add((curves(page), tuple(page.evaluate(CHECKED))))
            page.wait_for_timeout(60)
        assert len(seen) == 1
        ((_, checked),) = seen
        assert any(checked)


def test_every_step_of_the_keyboard_is_another_value(page: Any) -> None:
    field = added(page, "bcr_abl_copies_K562R")  # 2e5 to 3e5: three digits stick
    slider = page.get_by_role("slider", name=re.compile("^bcr_abl_copies_K562R"))
    slider.focus()
    values = [float(field.input_value())]
    for _ in range(12):
        page.keyboard.press("ArrowRight")
        values.append(float(field.input_value()))
    assert all(after > before for before, after in pairwise(values))


def test_a_parameter_is_found_by_typing_and_moved(page: Any) -> None:
    field = added(page, "il1b_secretion_K562R")
    before = curves(page)
    field.fill("100")
    field.press("Enter")
    changed(page, before)


def test_pinned_curves_stay_and_can_be_removed(page: Any) -> None:
    before = curves(page)
    page.get_by_role("button", name="Pin these curves").click()
    pinned = changed(page, before)
    assert pinned.count("pinned 1") >= 5
    page.get_by_role("button", name="Remove").click()
    assert "pinned 1" not in changed(page, pinned)


def test_data_are_drawn_and_a_wrong_file_shows_what_is_wrong(page: Any) -> None:
    page.get_by_role("button", name="Your data").click()
    chooser = page.get_by_label("Assay table (CSV or Excel)")
    before = curves(page)
    chooser.set_input_files({"name": "plate.csv", "mimeType": "text/csv", "buffer": PLATE})
    page.get_by_text("plate.csv: 4 of viability").wait_for()
    drawn = changed(page, before)
    wrong = PLATE.replace(b"K562R,72,80", b"K562T,72,80")
    chooser.set_input_files({"name": "wrong.csv", "mimeType": "text/csv", "buffer": wrong})
    page.get_by_role("alert").filter(has_text="wrong.csv: row 3, column 'line'").wait_for()
    page.get_by_role("slider", name="imatinib, µM").focus()
    page.keyboard.press("ArrowRight")
    changed(page, drawn)


def test_files_are_downloaded(page: Any) -> None:
    page.get_by_role("button", name="Export").click()
    for label, ending, start in (
        ("Figure (PNG)", "png", b"\x89PNG"),
        ("Figure (SVG)", "svg", b"<?xml"),
        ("Curves (CSV)", "csv", b"run,time [h],readout"),
        ("Scenario (TOML)", "toml", b"name = "),
        ("Python lines", "py", b"import nicheloop"),
    ):
        with page.expect_download() as waited:
            page.get_by_role("button", name=label).or_(page.get_by_role("link", name=label)).first.click()
        assert waited.value.suggested_filename == f"coculture_imatinib.{ending}"
        assert Path(waited.value.path()).read_bytes().startswith(start)


def test_claims_are_told_on_request(page: Any) -> None:
    page.get_by_role("button", name="Claims").click()
    page.get_by_role("button", name="Which claims hold").click()
    page.get_by_text(re.compile(r"^S6")).first.wait_for(timeout=120_000)
    assert page.locator("summary").count() == 6


@pytest.mark.parametrize("width", [1280, 900, 480])
def test_nothing_has_to_be_scrolled_sideways(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_pages_of_two_visitors_are_their_own(page: Any, browser: Any, address: str) -> None:
    other = browser.new_page()
    other.goto(address)
    other.wait_for_function(f"({CURVES})().length > 4")
    untouched, before = curves(other), curves(page)
    page.get_by_role("slider", name="imatinib, µM").focus()
    page.keyboard.press("End")
    changed(page, before)
    assert curves(other) == untouched
    other.close()
