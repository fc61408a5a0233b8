"""The stylesheet of served pages: that of the report, and what only a site has."""

from __future__ import annotations

from typing import Final

from isfdb.comparing.difference import DIFF_STYLE
from isfdb.display import highlight
from isfdb.display.style import PREVIEW_STYLE, STYLE
from isfdb.display.verdicts import VERDICT_STYLE
from isfdb.reporting.page_style import PAGE_STYLE
from isfdb.tracing.svg import GRAPH_STYLE

_SITE: Final = """
.isfdb .s-top{display:flex;flex-wrap:wrap;gap:.4rem 1.4rem;align-items:center;border-bottom:1px solid var(--r-line);
padding:0 0 .7rem;margin:0 0 1.4rem;font-size:.95em}
.isfdb .s-name{font-weight:700;margin:0;overflow-wrap:anywhere}
.isfdb .s-nav{display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;list-style:none;margin:0;padding:0}
.isfdb .s-nav [aria-current]{font-weight:700;color:var(--r-fg);text-decoration:none}
.isfdb .s-find{display:flex;gap:.4rem;margin:0 0 0 auto;flex:0 1 22rem;min-width:0}
.isfdb .s-find input,.isfdb .s-form input,.isfdb .s-form select{font:inherit;color:var(--r-fg);background:var(--r-card);
border:1px solid var(--r-muted);border-radius:5px;padding:.22rem .55rem;min-width:0}
.isfdb .s-find input{flex:1 1 8rem;width:100%}
.isfdb button{font:inherit;color:var(--r-fg);background:var(--r-soft);border:1px solid var(--r-muted);border-radius:5px;
padding:.22rem .8rem;cursor:pointer}
.isfdb button:focus-visible,.isfdb input:focus-visible,.isfdb select:focus-visible{outline:3px solid var(--r-accent);outline-offset:2px}
.isfdb .s-form{display:flex;flex-wrap:wrap;gap:.5rem .8rem;align-items:center;margin:.4rem 0 1rem}
.isfdb .s-form input[type=number]{width:6em}
.isfdb .s-crumbs{color:var(--r-muted);margin:0 0 .3rem;font-family:var(--i-mono);font-size:.95em;overflow-wrap:anywhere}
.isfdb .s-key{font-family:var(--i-mono);font-size:1.6rem;overflow-wrap:anywhere}
.isfdb .s-facts{display:flex;flex-wrap:wrap;gap:.3rem .9rem;align-items:baseline;margin:0 0 .5rem}
.isfdb .s-links{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;padding:0;margin:.2rem 0 1rem}
.isfdb .s-pages{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;padding:0;margin:.8rem 0}
.isfdb .s-list{width:100%}
.isfdb .s-sign{color:var(--r-muted);font-weight:400}
.isfdb table.s-list td:first-child,.isfdb table.s-list tbody th{font-family:var(--i-mono);overflow-wrap:anywhere}
.isfdb table.s-list td{overflow-wrap:anywhere}
.isfdb .s-num{white-space:nowrap;font-variant-numeric:tabular-nums}
.isfdb .s-error{border-left:4px solid var(--r-bad);background:var(--r-soft);padding:.5rem .9rem;border-radius:0 6px 6px 0}
.isfdb .s-body>.r-folds{flex-direction:column}
.isfdb .isfdb-graph a:hover .g-box,.isfdb .isfdb-graph a:focus-visible .g-box{stroke-width:3}
@media(max-width:600px){.isfdb .s-find{flex:1 1 100%;margin:0}.isfdb .s-key{font-size:1.25rem}
.isfdb .s-list thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.isfdb table.s-list,.isfdb .s-list tbody,.isfdb .s-list tr,.isfdb table.s-list tbody th{display:block;max-width:none}
.isfdb .s-list tr{border-bottom:1px solid var(--r-line);padding:.35rem 0}
.isfdb table.s-list tbody th,.isfdb table.s-list td{border:0;padding:0 .9rem 0 0}
.isfdb table.s-list td{display:inline-block;max-width:100%}}
@media print{.isfdb .s-nav,.isfdb .s-find,.isfdb .s-pages,.isfdb .s-form{display:none}}
"""

#: All of it. What a page looks like holds nothing of a database.
SHEET: Final = f"{STYLE}{VERDICT_STYLE}{highlight.STYLE}{GRAPH_STYLE}{DIFF_STYLE}{PREVIEW_STYLE}{PAGE_STYLE}{_SITE}"
