"""The style sheet of the HTML report: light and dark, wide and narrow, screen and paper."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --sheet: #f5f6f8; --ink: #17202b; --muted: #556070; --line: #d9dde3; --accent: #1f5fa8;
  --accent-soft: #e6eff9; --other: #9aa5b3; --limit: #b3261e; --good: #0b6b3a; --good-soft: #dff3e6;
  --line-0: #2f5d9b; --line-1: #c65300; --line-2: #007a59; --line-3: #7a4fa0; --line-4: #8a6500; --line-5: #0d86c2;
  --fair: #7a4d00; --fair-soft: #fdf0d5; --poor: #9b1c14; --poor-soft: #fce4e1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181f; --sheet: #1c222b; --ink: #e8ebf0; --muted: #a4afbd; --line: #343d49; --accent: #7db4f0;
    --accent-soft: #1c3048; --other: #6a7686; --limit: #ff8a80; --good: #7fd8a4; --good-soft: #143322;
    --line-0: #7fb2f0; --line-1: #ff9a52; --line-2: #4fd3a4; --line-3: #c3a1e6; --line-4: #e0be5a; --line-5: #9adcff;
    --fair: #f2c46d; --fair-soft: #3a2d10; --poor: #ff9d94; --poor-soft: #401c19;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--sheet); color: var(--ink); line-height: 1.55; overflow-wrap: anywhere;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "PingFang SC",
    "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
}
main {
  max-width: 60rem; margin: 0 auto; padding: 2.5rem 3rem; background: var(--paper);
  border-inline: 1px solid var(--line);
}
h1 { font-size: 2rem; line-height: 1.2; margin: .2rem 0 .4rem; letter-spacing: -.01em; text-wrap: balance; }
h2 {
  font-size: 1.25rem; line-height: 1.3; margin: 2.6rem 0 .8rem; padding-top: .9rem;
  border-top: 1px solid var(--line);
}
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p { margin: .4rem 0; }
a { color: var(--accent); }
.eyebrow { margin: 0; color: var(--muted); font-size: .85rem; letter-spacing: .04em; }
.sub, .note { color: var(--muted); }
.note { font-size: .88rem; }
.badge {
  display: inline-block; padding: .1rem .65rem; border-radius: 1rem; font-size: .88rem; font-weight: 600;
  background: var(--fair-soft); color: var(--fair);
}
.badge.high { background: var(--good-soft); color: var(--good); }
.badge.low { background: var(--poor-soft); color: var(--poor); }
.tiles {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .8rem;
  margin: 1.4rem 0; padding: 0;
}
.tile {
  margin: 0; padding: .8rem 1rem; background: var(--sheet); border: 1px solid var(--line);
  border-radius: .5rem;
}
.tile dt { color: var(--muted); font-size: .82rem; }
.tile dd { margin: 0; }
.tile .value { font-size: 1.35rem; font-weight: 650; line-height: 1.35; }
.tile .more { color: var(--muted); font-size: .82rem; }
.callout {
  margin: 1.2rem 0; padding: .8rem 1.1rem; background: var(--accent-soft);
  border-left: 4px solid var(--accent); border-radius: .3rem;
}
.arguments { list-style: none; margin: 0; padding: 0; }
.arguments li { display: grid; grid-template-columns: 3.2rem 1fr; gap: .4rem; padding: .35rem 0; }
.points { font-variant-numeric: tabular-nums; font-weight: 650; white-space: nowrap; }
.for .points { color: var(--good); }
.against .points { color: var(--poor); }
.fact { color: var(--muted); font-size: .88rem; }
sup { line-height: 0; }
sup a { text-decoration: none; padding: 0 .1rem; }
.facts { margin: 0; }
.facts div { display: grid; grid-template-columns: 13rem 1fr; gap: .2rem 1rem; padding: .4rem 0;
  border-bottom: 1px solid var(--line); }
.facts dt { color: var(--muted); font-size: .92rem; }
.facts dd { margin: 0; }
.plain li { margin: .3rem 0; }
.plain { padding-left: 1.2rem; margin: .4rem 0; }
figure { margin: 1rem 0; }
.picture { display: block; overflow: visible; font-size: 12px; font-variant-numeric: tabular-nums; }
.picture text { fill: var(--ink); }
.picture .label { font-weight: 600; font-size: 13px; }
.picture .more { fill: var(--muted); }
.picture .tick { fill: var(--muted); font-size: 11px; }
.picture .end { text-anchor: end; }
.picture .middle { text-anchor: middle; }
.picture .grid { stroke: var(--line); stroke-width: 1; }
.picture .axis { stroke: var(--muted); stroke-width: 1; }
.picture .piece { stroke: var(--paper); stroke-width: 1; }
.picture .whisker { stroke: var(--ink); stroke-width: 1.5; }
.picture .limit { stroke: var(--limit); stroke-width: 1.5; stroke-dasharray: 5 4; }
.picture .limit-label { fill: var(--limit); font-weight: 600; }
.picture .volume { stroke: var(--muted); stroke-width: 1.5; stroke-dasharray: 5 4; }
.picture .volume-label { fill: var(--muted); font-weight: 600; }
.line-0 { stroke: var(--line-0); } .line-1 { stroke: var(--line-1); } .line-2 { stroke: var(--line-2); }
.line-3 { stroke: var(--line-3); } .line-4 { stroke: var(--line-4); } .line-5 { stroke: var(--line-5); }
.picture .cut { font-size: 20px; font-weight: 700; fill: #000; }
.picture .best { fill: var(--accent); }
.picture .other { fill: var(--other); }
.picture .ring { fill: var(--paper); stroke: var(--ink); stroke-width: 1.5; }
.picture .ring-number { font-size: 11px; font-weight: 700; }
.picture .n { display: none; }
.legend {
  list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: .5rem 0;
  padding: 0; font-size: .85rem; color: var(--muted);
}
.swatch {
  display: inline-block; width: .8rem; height: .8rem; margin-right: .35rem;
  border-radius: .15rem; vertical-align: -.08rem;
}
.sample { margin-right: .4rem; vertical-align: middle; }
.factors { list-style: none; margin: 0; padding: 0; }
.factors li {
  display: grid; grid-template-columns: 1fr 1fr; gap: 1.2rem; align-items: center;
  padding: .35rem 0; border-bottom: 1px solid var(--line);
}
.factors p { margin: 0; font-size: .92rem; line-height: 1.4; }
table { width: 100%; border-collapse: collapse; font-size: .92rem; }
th { text-align: left; color: var(--muted); font-weight: 600; font-size: .82rem; vertical-align: bottom; }
th, td { padding: .4rem .6rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.number + td:not(.number), th.number + th:not(.number) { padding-left: .8rem; }
.stacked th:first-child { min-width: 10.5rem; }
tr.chosen td { background: var(--accent-soft); }
tr.chosen td:first-child { font-weight: 650; box-shadow: inset 3px 0 var(--accent); padding-left: .6rem; }
pre {
  margin: .5rem 0; padding: .7rem 1rem; background: var(--sheet);
  border: 1px solid var(--line); border-radius: .4rem; white-space: pre-wrap;
}
pre code {
  user-select: all;
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono", monospace;
  font-size: .88rem;
}
.sources { font-size: .88rem; padding-left: 1.6rem; }
.sources li:target { background: var(--accent-soft); }
footer {
  margin-top: 2.6rem; padding-top: .9rem; border-top: 1px solid var(--line);
  color: var(--muted); font-size: .85rem;
}
@media screen and (max-width: 44rem) {
  main { padding: 1.4rem 1.1rem; border: 0; }
  h1 { font-size: 1.55rem; }
  .picture .n { display: inline; }
  .picture .w { display: none; }
  .factors li { grid-template-columns: 1fr; gap: .2rem; }
  .facts div { grid-template-columns: 1fr; }
  .arguments li { grid-template-columns: 2.6rem 1fr; }
  table.stacked, .stacked tbody, .stacked tr, .stacked td { display: block; }
  .stacked thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .stacked tr { padding: .6rem 0; border-bottom: 1px solid var(--line); }
  .stacked td, .stacked td.number { border: 0; padding: .1rem 0; text-align: left; white-space: normal; }
  .stacked td:first-child { font-weight: 650; }
  .stacked td:empty { display: none; }
  .stacked td[data-label]:not(:first-child)::before { content: attr(data-label) ": "; color: var(--muted); }
  tr.chosen {
    background: var(--accent-soft);
    box-shadow: -.6rem 0 var(--accent-soft), .6rem 0 var(--accent-soft);
  }
  tr.chosen td:first-child { box-shadow: none; padding-left: 0; }
  td.number + td:not(.number) { padding-left: 0; }
}
@media print {
  :root { color-scheme: light; --paper: #fff; --sheet: #f5f6f8; --ink: #000; --muted: #444; }
  body { background: #fff; font-size: 10.5pt; }
  main { max-width: none; padding: 0; border: 0; }
  .tile, figure, .factors li, .arguments li, tr, pre, .callout { break-inside: avoid; }
  h2 { margin-top: 1.4rem; }
  h2, h3 { break-after: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
