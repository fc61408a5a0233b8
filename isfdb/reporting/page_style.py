"""The look of a report page that stands alone: its own colours for light and dark, and for paper."""

from __future__ import annotations

from typing import Final

PAGE_STYLE: Final = """
:root{color-scheme:light dark;--r-fg:#1c2126;--r-bg:#fff;--r-muted:#57606a;--r-line:#d5dae0;--r-soft:#f4f6f8;--r-accent:#0b57b0;
--r-bad:#a8201a;--r-good:#1a6b36}
@media(prefers-color-scheme:dark){:root{--r-fg:#e3e7eb;--r-bg:#14181c;--r-muted:#a3adb8;--r-line:#39414a;--r-soft:#20262c;--r-accent:#7db7ff;
--r-bad:#ff8f86;--r-good:#72d08f}}
html{background:var(--r-bg)}
body{margin:0;font-family:system-ui,"DejaVu Sans",sans-serif;color:var(--r-fg);background:var(--r-bg)}
main.isfdb{--i-fg:var(--r-fg);--i-muted:var(--r-muted);--i-line:var(--r-line);--i-soft:var(--r-soft);--i-accent:var(--r-accent);
--i-bad:var(--r-bad);max-width:62rem;margin:0 auto;padding:1.5rem 1.2rem 3rem;font-size:15px;box-sizing:border-box}
.isfdb h1{font-size:1.9rem;margin:.2rem 0 .6rem;line-height:1.2}
.isfdb h2{font-size:1.3rem;margin:2.2rem 0 .6rem;padding-bottom:.2rem;border-bottom:1px solid var(--r-line)}
.isfdb h3{font-size:1.05rem;margin:0 0 .3rem;font-family:var(--i-mono)}
.isfdb a{color:var(--r-accent)}
.isfdb a:focus-visible,.isfdb summary:focus-visible,.isfdb [tabindex]:focus-visible{outline:2px solid var(--r-accent);outline-offset:2px}
.isfdb article{border:1px solid var(--r-line);border-radius:8px;padding:.9rem 1rem;margin:1rem 0;break-inside:avoid-page}
.isfdb article .i-facts,.isfdb header .i-facts{margin-left:0}
.isfdb .r-what{margin:.1rem 0 .5rem;font-weight:600}
.isfdb .r-good{color:var(--r-good);font-weight:600}
.isfdb .r-nav{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;list-style:none;margin:.6rem 0 0;padding:0}
.isfdb .r-picture{max-width:100%;height:auto;background:#fff;border-radius:4px}
.isfdb .r-plots{display:flex;flex-wrap:wrap;gap:.8rem 1.6rem;color:var(--r-accent);margin:.4rem 0}
.isfdb .r-plot{margin:0;max-width:100%}
.isfdb .r-plot svg{display:block;max-width:100%;background:var(--r-soft);border-radius:4px}
.isfdb .r-plot figcaption{display:flex;justify-content:space-between;font-size:.8em}
.isfdb details .i-wide{max-height:28em;overflow-y:auto}
.isfdb .r-cells{list-style:none;margin:.4rem 0;padding:0}
.isfdb .r-cells>li{margin:0 0 .9rem}
.isfdb footer{margin-top:2.5rem;font-size:.85em}
@media print{.isfdb details .i-wide{max-height:none}
body,html{background:#fff}main.isfdb{max-width:none;font-size:10pt;padding:0}.isfdb nav{display:none}}
""".strip().replace("\n", "")
