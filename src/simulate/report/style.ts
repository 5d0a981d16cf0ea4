// The report page's only style sheet: light and dark by the reader's preference, printable, no font or image to fetch.
export const style = `
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#fff;--rule:#d0d7de;--panel:#f6f8fa;--link:#0a58ca;
--best:#d6f0dc;--good:#e3efcf;--fair:#fdebc0;--bad:#fbd9d5;--none:#eceff2;
--served:#1a7f37;--limited:#0969da;--posed:#a40e9c;--error:#c9510c;--silence:#cf222e;--alert:#6639ba;--fault:#cf222e22}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b1;--paper:#0f1419;--rule:#39424d;--panel:#181f27;--link:#6cb2ff;
--best:#12402a;--good:#2d3f17;--fair:#4c3a0c;--bad:#5a1f1c;--none:#262d35;
--served:#3fb950;--limited:#58a6ff;--posed:#e277d9;--error:#f0883e;--silence:#ff7b72;--alert:#b392f0;--fault:#ff7b7226}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:62rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.7rem;line-height:1.25}
h2{font-size:1.3rem;margin:2.5rem 0 .75rem;padding-bottom:.25rem;border-bottom:1px solid var(--rule)}
h3{font-size:1.1rem;margin:2rem 0 .5rem}
h4{font-size:1rem;margin:1.5rem 0 .5rem}
h1,h2,h3,h4,p,li,dd,td,summary,figcaption,code{overflow-wrap:anywhere}
a{color:var(--link)}
:target{outline:2px solid var(--link);outline-offset:2px}
:focus-visible{outline:2px solid var(--link)}
.notice{padding:.6rem .9rem;border-left:.35rem solid var(--soft);background:var(--none);border-radius:.2rem}
.notice.best,.best{background:var(--best)}.notice.good,.good{background:var(--good)}
.notice.fair,.fair{background:var(--fair)}.notice.bad,.bad{background:var(--bad)}.none{background:var(--none)}
dl{display:grid;grid-template-columns:minmax(9rem,15rem) 1fr;gap:.25rem 1rem;margin:.75rem 0}
dt{color:var(--soft)}dd{margin:0}
.frame{overflow-x:auto;margin:.75rem 0}
table{border-collapse:collapse;width:100%;font-size:.92rem}
caption{text-align:left;color:var(--soft);padding-bottom:.3rem}
.quiet{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{border:1px solid var(--rule);padding:.35rem .55rem;text-align:left;vertical-align:top}
td{min-width:4.5rem}
th{overflow-wrap:break-word}
thead th{background:var(--panel)}
tbody th{font-weight:600}
.numeric{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
thead .numeric,.numeric.rated{white-space:normal}
code,pre{font:.88em/1.45 ui-monospace,monospace}
pre{background:var(--panel);padding:.6rem .9rem;overflow-x:auto;border-radius:.2rem}
details{border:1px solid var(--rule);border-radius:.3rem;padding:.4rem .9rem;margin:.75rem 0}
summary{cursor:pointer;font-weight:600}
figure{margin:1rem 0}
figcaption{color:var(--soft);font-size:.9rem}
svg{display:block;width:100%;height:auto;font:12px system-ui,sans-serif}
svg text{fill:var(--ink)}
.lane,.axis{stroke:var(--rule)}
.axis{stroke:var(--soft)}
.fault{fill:var(--fault)}
svg .fault-name,svg .mark{font-weight:600;paint-order:stroke;stroke:var(--paper);stroke-width:3px}
line.detected{stroke:var(--alert);stroke-width:2;stroke-dasharray:5 3}
line.recovered{stroke:var(--served);stroke-width:2;stroke-dasharray:2 3}
.wait{stroke-width:2;opacity:.55}
svg .served{fill:var(--served);stroke:var(--served)}
svg .limited{fill:var(--limited);stroke:var(--limited)}
svg .posed{fill:var(--posed);stroke:var(--posed)}
svg .error{fill:var(--error);stroke:var(--error)}
svg .silence{fill:none;stroke:var(--silence)}
svg path.silence{stroke-width:2.5}
svg .alert{fill:var(--alert);stroke:var(--alert)}
@media print{
:root{--ink:#000;--paper:#fff;--soft:#444;--rule:#999;--panel:#f3f3f3;--link:#000}
body{font-size:10.5pt}main{max-width:none;padding:0}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
.frame{overflow:visible}tr,figure,.notice{break-inside:avoid}h2,h3,h4{break-after:avoid}
details::details-content{content-visibility:visible;block-size:auto}
}
`;
