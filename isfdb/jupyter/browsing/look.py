"""How the browser looks: one style sheet, scoped by a class, in the front end's own colours. It lays out, and decides nothing."""

from __future__ import annotations

from typing import Any, Final

import ipywidgets as widgets

#: Class of the outermost widget.
CLASS: Final = "isfdb-browser"
ROW_CLASS: Final = "isfdb-row"
CHOSEN_CLASS: Final = "isfdb-chosen"
DATABASE_CLASS: Final = "isfdb-opens"
ROWS_CLASS: Final = "isfdb-rows"

#: ipywidgets centres the words on buttons, gives labels a fixed width and cuts what does not fit; a tree and a narrow page need else.
_STYLE: Final = """
.isfdb-browser{max-width:100%;overflow:hidden}
.isfdb-browser,.isfdb-browser *{box-sizing:border-box}
.isfdb-browser .widget-html,.isfdb-browser .jupyter-widget-html{min-width:0;height:auto}
.isfdb-browser .widget-html-content,.isfdb-browser .jupyter-widget-html-content{min-width:0;max-width:100%;width:100%;line-height:1.5;
white-space:normal;overflow-wrap:anywhere}
.isfdb-browser button.isfdb-row{text-align:left;height:26px;line-height:26px;padding:0 8px;margin:0;flex:0 0 auto;border-radius:3px;
background:transparent;color:var(--jp-content-font-color1,var(--vscode-editor-foreground,inherit));box-shadow:none;
font-size:13px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.isfdb-browser button.isfdb-row:hover{background:var(--jp-layout-color2,var(--vscode-list-hoverBackground,rgba(128,128,128,.15)))}
.isfdb-browser button.isfdb-row.isfdb-opens{font-weight:600}
.isfdb-browser button.isfdb-row.isfdb-chosen{font-weight:600;
background:var(--jp-layout-color2,var(--vscode-list-inactiveSelectionBackground,rgba(128,128,128,.25)));
border-left:3px solid var(--jp-brand-color1,var(--vscode-focusBorder,#1f6feb))}
.isfdb-browser .isfdb-rows{overflow:hidden auto;max-height:420px;width:100%}
.isfdb-browser button:focus-visible,.isfdb-browser [role=tab]:focus-visible{outline:2px solid var(--jp-brand-color1,
var(--vscode-focusBorder,#1f6feb));outline-offset:-2px}
.isfdb-browser .widget-label,.isfdb-browser .jupyter-widget-label{min-width:0}
.isfdb-browser .widget-tab,.isfdb-browser .jupyter-widget-tab{min-width:0;max-width:100%}
.isfdb-browser .lm-TabBar{height:auto!important;min-height:0;overflow:visible}
.isfdb-browser .lm-TabBar-content{flex-wrap:wrap!important;height:auto!important;min-height:0}
.isfdb-browser .lm-TabBar .lm-TabBar-tab{flex:0 0 auto!important;min-width:0!important;max-width:100%;padding:0 9px!important}
.isfdb-browser .lm-TabBar .lm-TabBar-tabLabel{overflow:visible;
color:var(--jp-content-font-color1,var(--vscode-editor-foreground,inherit))}
.isfdb-browser .widget-tab-contents{min-width:0;padding:8px 10px!important}
""".strip().replace("\n", "")


def style_sheet() -> Any:
    """Return the widget that brings the style into the page."""
    return widgets.HTML(value=f"<style>{_STYLE}</style>", layout={"display": "none"})


def close_all(widget: Any) -> None:
    """Close a widget and all that is in it, with their layouts and styles: each has a line to the front end of its own."""
    for child in getattr(widget, "children", ()):
        close_all(child)
    for part in (getattr(widget, "layout", None), getattr(widget, "style", None)):
        if isinstance(part, widgets.Widget):
            part.close()
    widget.close()
