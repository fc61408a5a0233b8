"""The look of everything isfdb shows as HTML: one inline style, scoped by a class, for notebooks, pages and paper."""

from __future__ import annotations

from typing import Final

# Colours come from the front end (JupyterLab, VS Code). Where there is none, the text has the surrounding colour and the fainter
# tones are mixed from it, so that light and dark both work without asking. A class named twice outweighs a rule of JupyterLab's
# for the same element: it paints code, indents lists and shrinks pictures.
STYLE: Final = """
.isfdb{--i-fg:var(--jp-content-font-color1,var(--vscode-editor-foreground,currentColor));
--i-muted:var(--jp-content-font-color2,var(--vscode-descriptionForeground,color-mix(in srgb,currentColor 72%,transparent)));
--i-line:var(--jp-border-color2,var(--vscode-panel-border,color-mix(in srgb,currentColor 22%,transparent)));
--i-soft:var(--jp-layout-color2,var(--vscode-textCodeBlock-background,color-mix(in srgb,currentColor 7%,transparent)));
--i-code:var(--jp-cell-editor-background,var(--i-soft));
--i-accent:var(--jp-content-link-color,var(--vscode-textLink-foreground,#1f6feb));
--i-bad:color-mix(in srgb,var(--jp-error-color0,var(--vscode-errorForeground,#e5393b)) 70%,var(--i-fg));
--v-good:color-mix(in srgb,#12813a 72%,currentColor);--v-near:color-mix(in srgb,#9a6700 72%,currentColor);
--v-bad:var(--i-bad);--v-stop:color-mix(in srgb,#8250df 62%,currentColor);
--i-mono:var(--jp-code-font-family,var(--vscode-editor-font-family,ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace));
color:var(--i-fg);font-size:13px;line-height:1.5;overflow-wrap:anywhere;max-width:100%}
.isfdb .i-head{margin:0 0 4px}
.isfdb .i-head b{font-size:1.1em}
.isfdb.isfdb .i-muted{color:var(--i-muted)}
.isfdb .i-bad{color:var(--i-bad)}
.isfdb .i-v-good{color:var(--v-good)}.isfdb .i-v-near{color:var(--v-near)}.isfdb .i-v-bad{color:var(--v-bad)}
.isfdb .i-v-stop{color:var(--v-stop)}.isfdb .i-v-none{color:var(--i-muted)}
.isfdb code,.isfdb pre{font-family:var(--i-mono);font-size:.92em;background:none;color:inherit}
.isfdb.isfdb.isfdb code{background:none;padding:0}
.isfdb ul.i-tree,.isfdb .i-tree ul{list-style:none;margin:0;padding:0}
.isfdb .i-tree{max-width:74em}
.isfdb .i-tree ul{margin-left:.55em;padding-left:.9em;border-left:1px solid var(--i-line)}
.isfdb .i-tree ul ul ul ul ul ul ul ul{margin-left:0;padding-left:0;border-left:0}
.isfdb .i-tree li{margin:0;padding:0}
.isfdb summary{cursor:pointer;padding:1px 2px;border-radius:3px}
.isfdb summary:hover{background:var(--i-soft)}
.isfdb summary:focus-visible,.isfdb [tabindex]:focus-visible{outline:2px solid var(--i-accent);outline-offset:1px}
.isfdb .i-row{display:inline-flex;flex-wrap:wrap;gap:0 .9em;align-items:baseline;width:calc(100% - 1.6em);vertical-align:top}
.isfdb .i-name{flex:1 1 13em;min-width:0;max-width:100%}
.isfdb .i-name b{font-weight:600;font-family:var(--i-mono);font-size:.95em}
.isfdb .i-icon{float:left;display:inline-block;width:1.5em;text-align:center;font-family:"DejaVu Sans",sans-serif;color:var(--i-muted);
font-weight:400;overflow:hidden;white-space:nowrap;vertical-align:bottom}
.isfdb .i-badges{margin-left:.7em}.isfdb td .i-badges{margin-left:0}
.isfdb .i-badge{display:inline-block;border:1px solid currentColor;border-radius:9px;padding:0 .55em;font-size:.82em;line-height:1.45;
white-space:nowrap;font-weight:400}
.isfdb .i-cols{display:inline-flex;flex-wrap:wrap;gap:0 .8em;color:var(--i-muted);font-variant-numeric:tabular-nums;max-width:100%}
.isfdb .i-cols>span{white-space:nowrap;overflow:hidden;text-overflow:ellipsis;max-width:100%}
.isfdb .i-type{width:9em;color:var(--i-fg)}
.isfdb .i-shape{width:9.6em}
.isfdb .i-dtype{width:7em}
.isfdb .i-value{width:17.4em}
.isfdb .i-size{width:5.2em;text-align:right}
.isfdb .i-version{width:2.6em;text-align:right}
.isfdb .i-age{width:6.2em;text-align:right}
.isfdb .i-num{color:var(--i-muted);font-variant-numeric:tabular-nums;white-space:nowrap}
.isfdb .i-what{flex:1 1 12em}
.isfdb .i-facts{display:grid;grid-template-columns:minmax(7.5em,max-content) minmax(0,1fr);gap:1px 1.2em;margin:3px 0 7px 1.2em;
width:auto}
.isfdb .i-facts dt{color:var(--i-muted);margin:0;font-weight:400;width:auto;float:none}
.isfdb .i-facts dd{margin:0;min-width:0;width:auto;float:none}
.isfdb .i-told{margin:0 0 7px 1.2em}
.isfdb pre.i-code{margin:4px 0;padding:7px 10px;background:var(--i-code);border-radius:4px;overflow-x:auto;white-space:pre-wrap;
overflow-wrap:anywhere;max-height:28em;overflow-y:auto}
.isfdb .i-tag{display:inline-block;border:1px solid currentColor;border-radius:9px;padding:0 7px;font-size:.85em;white-space:nowrap}
.isfdb .i-wide{overflow-x:auto;max-width:100%}
.isfdb .i-wide>svg.isfdb-graph{max-width:none}
.isfdb table.i-table{border-collapse:collapse;margin:4px 0;font-variant-numeric:tabular-nums}
.isfdb table.i-table th,.isfdb table.i-table td{text-align:left;padding:2px 10px 2px 0;border-bottom:1px solid var(--i-line);
vertical-align:top;background:none;overflow-wrap:break-word;max-width:34em}
.isfdb table.i-table th{color:var(--i-muted);font-weight:600;white-space:nowrap}
@media(max-width:520px){.isfdb .i-facts{grid-template-columns:minmax(0,1fr);margin-left:.4em}
.isfdb .i-cols{flex:1 1 100%}.isfdb .i-cols>span{width:auto}
.isfdb .i-facts dd{margin-bottom:4px}}
@media print{.isfdb pre.i-code{max-height:none;white-space:pre-wrap}.isfdb details>*{display:revert}}
""".strip().replace("\n", "")

#: Of previews, on a page and in a notebook.
PREVIEW_STYLE: Final = """
.isfdb .i-scalar{font-size:1.35em;margin:.3em 0 .5em}
.isfdb .i-picture{box-sizing:border-box;max-width:100%;max-height:30em;height:auto;width:auto;background:#fff;
border-radius:4px;border:1px solid var(--i-line)}
.isfdb .i-plots{display:flex;flex-wrap:wrap;gap:.8em 1.6em;margin:.5em 0}
.isfdb .i-plot{margin:0;flex:1 1 16em;max-width:26em;min-width:0}
.isfdb .i-plot svg{display:block;width:100%;height:5em;background:var(--i-soft);border-radius:4px;color:var(--i-accent)}
.isfdb .i-heat{display:block;width:100%;height:auto;min-height:5em;max-height:16em;image-rendering:pixelated;border-radius:4px;
object-fit:fill}
.isfdb .i-plot figcaption{display:flex;justify-content:space-between;gap:1em;font-size:.85em}
@media print{.isfdb .i-plot,.isfdb .i-picture{break-inside:avoid}}
""".strip().replace("\n", "")
