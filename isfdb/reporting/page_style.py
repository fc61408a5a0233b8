"""The look of a report page that stands alone: its own colours for light and dark, for wide and narrow screens, and for paper."""

from __future__ import annotations

from typing import Final

from isfdb.display.style import PREVIEW_STYLE

#: Name -> colour on a light and on a dark page. A test computes that each can be read on both backgrounds.
COLOURS: Final = {
    "fg": ("#1c2126", "#e3e7eb"),
    "bg": ("#ffffff", "#14181c"),
    "card": ("#ffffff", "#191e23"),
    "soft": ("#f4f6f8", "#20262c"),
    "muted": ("#525b65", "#a9b3bd"),
    "line": ("#d5dae0", "#39414a"),
    "accent": ("#0b57b0", "#85bcff"),
    "good": ("#176b34", "#72d08f"),
    "near": ("#7a5200", "#e3b450"),
    "bad": ("#a8201a", "#ff968d"),
    "stop": ("#6536a8", "#c6a8ff"),
    "keyword": ("#116329", "#7ee2a0"),
    "string": ("#96281e", "#ffb0a4"),
    "number": ("#0d5f73", "#8fd3e8"),
}


def _variables(scheme: int) -> str:
    return "".join([f"--r-{name}:{colours[scheme]};" for name, colours in COLOURS.items()])


_LIGHT: Final = _variables(0)
_DARK: Final = _variables(1)

_RULES: Final = """
html{background:var(--r-bg);scroll-padding-top:4.2rem}
@media(prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}
body.isfdb{--i-fg:var(--r-fg);--i-muted:var(--r-muted);--i-line:var(--r-line);--i-soft:var(--r-soft);--i-accent:var(--r-accent);
--i-bad:var(--r-bad);--v-good:var(--r-good);--v-near:var(--r-near);--v-bad:var(--r-bad);--v-stop:var(--r-stop);
--jp-mirror-editor-keyword-color:var(--r-keyword);--jp-mirror-editor-string-color:var(--r-string);
--jp-mirror-editor-number-color:var(--r-number);--jp-mirror-editor-comment-color:var(--r-muted);
margin:0 auto;max-width:66rem;padding:1.6rem 1.4rem 4rem;box-sizing:border-box;font-family:system-ui,"DejaVu Sans",sans-serif;
font-size:15px;line-height:1.55;color:var(--r-fg);background:var(--r-bg)}
.isfdb a{color:var(--r-accent);text-underline-offset:2px}
.isfdb a:focus-visible,.isfdb summary:focus-visible,.isfdb input:focus-visible+label,.isfdb [tabindex]:focus-visible{
outline:3px solid var(--r-accent);outline-offset:2px;border-radius:3px}
.isfdb h1{font-size:2.1rem;margin:0 0 .7rem;line-height:1.15;letter-spacing:-.01em}
.isfdb h2{font-size:1.3rem;margin:2.8rem 0 .8rem;padding-bottom:.3rem;border-bottom:1px solid var(--r-line)}
.isfdb h3{font-size:1.1rem;margin:1.6rem 0 .5rem}
.isfdb h4{font-size:1.02rem;margin:0;font-family:var(--i-mono);font-weight:650;overflow-wrap:anywhere}
.isfdb p{margin:.35rem 0}
.isfdb .i-facts{margin:.3rem 0 .5rem}
.isfdb .r-kind{color:var(--r-muted);margin:0;font-size:.9em}
.isfdb .r-top .i-facts{font-size:.93em}
.isfdb .r-skip{position:absolute;left:-99rem}.isfdb .r-skip:focus{position:static}
.isfdb .r-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.isfdb .r-nav{display:flex;flex-wrap:wrap;gap:.2rem 1.3rem;list-style:none;margin:1rem 0 0;padding:.5rem 0;
border-top:1px solid var(--r-line);border-bottom:1px solid var(--r-line);font-size:.93em}
.isfdb .r-good{color:var(--r-good)}.isfdb .r-bad{color:var(--r-bad)}.isfdb .r-near{color:var(--r-near)}.isfdb .r-none{color:var(--r-muted)}
.isfdb .r-headline{font-size:1.3rem;font-weight:600;line-height:1.35;margin:.3rem 0 .9rem}
.isfdb .r-bar{display:block;width:100%;height:12px;border-radius:6px;margin:.2rem 0 .9rem}
.isfdb .r-part{fill:currentColor}
.isfdb .r-tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.8rem,1fr));gap:.7rem;list-style:none;
margin:0 0 1.2rem;padding:0}
.isfdb .r-tiles li{border:1px solid var(--r-line);border-top:4px solid currentColor;border-radius:6px;padding:.55rem .8rem .6rem;
background:var(--r-card)}
.isfdb .r-tiles a{color:inherit;display:flex;flex-direction:column;font-weight:600;text-decoration:none}
.isfdb .r-tiles a:hover{text-decoration:underline}
.isfdb .r-tiles .i-muted{font-size:.85em;line-height:1.35;display:block;margin-top:.15rem}
.isfdb .r-count{font-size:1.9rem;line-height:1.15;font-variant-numeric:tabular-nums}
.isfdb table.i-table th,.isfdb table.i-table td{padding:.3rem .9rem .3rem 0;max-width:38em}
.isfdb table.i-table{font-size:.93em}
.isfdb table.i-table tbody th{min-width:6.5em;color:var(--r-fg);font-weight:600;white-space:normal;overflow-wrap:anywhere}
.isfdb tbody th details{font-weight:400;font-size:.95em}
.isfdb .r-scores td{white-space:nowrap}.isfdb .r-scores td:last-child{white-space:normal}
.isfdb .r-never{border-left:4px solid var(--r-accent);background:var(--r-soft);padding:.5rem .9rem;margin:.6rem 0 1rem;
border-radius:0 6px 6px 0}
.isfdb .r-choice{display:none;position:sticky;top:0;z-index:1;flex-wrap:wrap;gap:.35rem .5rem;align-items:center;border:0;margin:0 0 1rem;
padding:.6rem 0;background:var(--r-bg);min-width:0}
@supports selector(:has(*)){.isfdb .r-choice{display:flex}}
.isfdb .r-choice legend{float:left;padding:0 .5rem 0 0;color:var(--r-muted)}
.isfdb .r-choice input{position:absolute;opacity:0;width:1px;height:1px;margin:0}
.isfdb .r-choice label{border:1px solid var(--r-muted);border-radius:1em;padding:.12rem .8rem;cursor:pointer;display:inline-block;
font-size:.93em}
.isfdb .r-choice input:checked+label{background:var(--r-fg);color:var(--r-bg);border-color:var(--r-fg)}
.isfdb .r-group>h3 .i-verdict{font-size:.95rem}
.isfdb .r-index ul,.isfdb .r-rest ul{columns:15rem;list-style:none;padding:0;margin:.4rem 0 1rem;font-size:.93em;font-family:var(--i-mono)}
.isfdb .r-key,.isfdb .r-script,.isfdb .r-environment,.isfdb .r-session{background:var(--r-card);border:1px solid var(--r-line);
border-radius:8px;
padding:.9rem 1.1rem;margin:0 0 1rem;content-visibility:auto;contain-intrinsic-size:auto 22rem}
.isfdb .r-key{border-left:5px solid var(--r-line)}
.isfdb .r-key.r-good{border-left-color:var(--r-good);color:inherit}.isfdb .r-key.r-near{border-left-color:var(--r-near);color:inherit}
.isfdb .r-key.r-bad{border-left-color:var(--r-bad);color:inherit}.isfdb .r-key.r-stop{border-left-color:var(--r-stop)}
.isfdb .r-key.r-none{color:inherit}
.isfdb :target{outline:3px solid var(--r-accent);outline-offset:3px}
.isfdb h2:target,.isfdb .r-group:target,.isfdb .r-top:target{outline:none}
.isfdb .r-head{display:flex;flex-wrap:wrap;gap:.3rem .8rem;align-items:baseline;margin-bottom:.4rem}
.isfdb .r-what{color:var(--r-muted)}
.isfdb .r-because{font-size:1.05em}
.isfdb .r-found{border-left:4px solid var(--r-bad);padding:.1rem .9rem;margin:.5rem 0}
.isfdb .r-folds{display:flex;flex-wrap:wrap;gap:.1rem 1.2rem;border-top:1px solid var(--r-line);margin-top:.6rem;padding-top:.35rem;
font-size:.95em}
.isfdb .r-folds:empty{display:none}
.isfdb .r-fold{min-width:0;max-width:100%}
.isfdb .r-fold[open]{flex:1 1 100%;border-bottom:1px solid var(--r-line);padding-bottom:.3rem}
.isfdb .r-fold[open]:last-child{border-bottom:0}
.isfdb .r-fold[open]>summary{font-weight:600}
.isfdb .r-fold>div{padding:.2rem 0 .4rem 1rem}
.isfdb .r-attributes{border-left:3px solid var(--r-line);padding-left:.8rem}
.isfdb details .i-wide{max-height:28em;overflow-y:auto}
.isfdb .r-cells{list-style:none;margin:.6rem 0;padding:0}
.isfdb .r-cells>li{margin:0 0 .9rem;padding:.2rem}
.isfdb footer{margin-top:3rem;font-size:.9em;border-top:1px solid var(--r-line);padding-top:.8rem}
@media(max-width:600px){body.isfdb{padding:1rem .8rem 3rem;font-size:14px}.isfdb h1{font-size:1.6rem}.isfdb .r-choice{position:static}

.isfdb .r-tiles{grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr))}
.isfdb .r-key{padding:.7rem .8rem}.isfdb .r-fold>div{padding-left:.2rem}
.isfdb .r-choice legend{float:none;width:100%}}
"""

#: On paper: light, without what only a screen can do. Folded parts that explain a value are printed where the browser can open them by
#: style; lists of packages and what else ran stay folded, or a page of a thousand keys would fill a shelf.
_PAPER: Final = """
.isfdb .r-folds{display:block}
.isfdb .r-key summary{list-style:none}
.isfdb .r-key details::details-content{content-visibility:visible;display:block;block-size:auto;opacity:1}
.isfdb .r-key,.isfdb .r-script,.isfdb .r-environment,.isfdb .r-session{content-visibility:visible;break-inside:auto;padding:.5rem .8rem}
.isfdb .r-head,.isfdb h2,.isfdb h3{break-after:avoid}
.isfdb tr,.isfdb .r-tiles li{break-inside:avoid}
.isfdb pre.i-code,.isfdb details .i-wide{max-height:none;overflow:visible}
.isfdb nav,.isfdb .r-choice,.isfdb .r-skip,.isfdb footer a{display:none!important}
.isfdb .isfdb-graph{max-width:100%;height:auto}
html,body.isfdb{background:#fff}
body.isfdb{max-width:none;padding:0;font-size:9.5pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}
"""

PAGE_STYLE: Final = (
    f":root{{color-scheme:light dark;{_LIGHT}}}@media(prefers-color-scheme:dark){{:root{{{_DARK}}}}}"
    f"{PREVIEW_STYLE}{_RULES}@media print{{:root{{color-scheme:light;{_LIGHT}}}{_PAPER}}}"
).replace("\n", "")
