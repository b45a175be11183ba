"""How the page looks: two columns that become one where there is no room."""

from __future__ import annotations

from typing import Any

import panel as pn

_FONT = 'font: 13px/1.4 system-ui, "DejaVu Sans", sans-serif; color: #222;'
_FOCUS = ":focus-visible { outline: 2px solid #D55E00 !important; outline-offset: 1px; }"

PAGE = f":host {{ max-width: 1680px; margin: 0 auto; padding: 0 14px 24px; box-sizing: border-box; {_FONT} }}"
BODY = ":host { display: flex; flex-wrap: wrap; gap: 20px; align-items: flex-start; }"
SIDEBAR = """
:host { flex: 1 1 300px; max-width: 340px; min-width: 0; box-sizing: border-box; padding: 0 14px 10px;
        position: sticky; top: 8px; max-height: calc(100vh - 16px); overflow-y: auto;
        background: #f7f7f7; border: 1px solid #e3e3e3; border-radius: 6px; }
@media (max-width: 700px) {
  :host { max-width: none; flex-basis: 100%; position: static; max-height: none; }
}
"""
MAIN = ":host { flex: 1000 1 420px; min-width: 0; }"
WIDGET = f"""
:host {{ {_FONT} }}
.bk-input-group.bk-inline, .bk-input-group {{ flex-wrap: wrap; }}
.bk-inline > label {{ margin: 0 10px 2px 0 !important; }}
label, .bk-btn, .bk-input {{ font-size: 13px; }}
{_FOCUS}
"""
TEXT = f"""
:host {{ {_FONT} }}
h1 {{ font-size: 20px; margin: 10px 0 2px; }}
h1 + p {{ margin: 0 0 10px; color: #555; }}
h2 {{ font-size: 13px; margin: 14px 0 2px; color: #0b4a6f; border-bottom: 1px solid #d8d8d8; }}
p {{ margin: 4px 0; color: #444; }}
.plot-title {{ padding-left: 20px; }}
.plot-title h3 {{ font-size: 13px; margin: 6px 0 0; }}
.plot-title p {{ font-size: 11px; line-height: 1.25; margin: 0; color: #555; }}
.legend {{ display: flex; flex-wrap: wrap; gap: 4px 16px; padding-top: 6px; }}
.key {{ display: inline-flex; align-items: center; gap: 6px; }}
.swatch {{ width: 22px; height: 3px; display: inline-block; }}
details {{ border-bottom: 1px solid #ddd; padding: 6px 0; }}
summary {{ cursor: pointer; }}
table {{ border-collapse: collapse; width: 100%; margin: 6px 0 6px; font-size: 12.5px; }}
th, td {{ text-align: left; padding: 3px 10px 3px 0; border-bottom: 1px solid #eee; vertical-align: top; }}
.ends {{ width: auto; min-width: 60%; }}
caption {{ text-align: left; font-weight: 600; padding: 10px 0 2px; }}
th[scope="row"] {{ font-weight: 400; }}
.number {{ text-align: right; white-space: nowrap; }}
code {{ background: #f0f0f0; padding: 0 3px; }}
.notice {{ background: #fff4e5; border-left: 4px solid #D55E00; padding: 8px 12px; margin: 6px 0;
          overflow-wrap: anywhere; }}
{_FOCUS}
"""
HEADER = (
    "<h1>nicheloop explorer</h1><p>Move a dose, a density or a parameter: the model runs again and the "
    "curves follow. Pin curves to compare with them.</p>"
)


BESIDE: dict[str, Any] = {"stylesheets": [WIDGET], "margin": (4, 10, 4, 0)}
"""Looks and place of a widget in the right column."""


def text_pane(text: str = "", **fields: Any) -> pn.pane.HTML:
    """Return a pane of text in the type of the page."""
    return pn.pane.HTML(text, sizing_mode="stretch_width", stylesheets=[TEXT], margin=(0, 0), **fields)
