// The report page's only style sheet: light and dark by the reader's preference, for desk, telephone and paper; nothing to fetch.
export const style = `
:root{color-scheme:light dark;--ink:#1c2128;--soft:#59636e;--paper:#f5f6f8;--card:#fff;--rule:#d8dee4;--link:#0a58ca;--code:#f0f2f5;--focus:#0a58ca;
--critical:#a3122b;--high:#b34700;--medium:#7d5a00;--low:#0b6b8a;--info:#59636e;--on:#fff;--good:#1a7f37;--partial:#7d5a00;--track:#e4e8ec}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b3;--paper:#0e1319;--card:#161c24;--rule:#2f3843;--link:#79b8ff;--code:#1f2731;--focus:#79b8ff;
--critical:#ff7b88;--high:#ffa261;--medium:#e8c15a;--low:#6cc6e3;--info:#9da7b3;--on:#10151b;--good:#56d371;--partial:#e8c15a;--track:#2a333e}}
*{box-sizing:border-box}
html{scroll-padding-top:6rem}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px;border-radius:.2rem}
.skip{position:absolute;left:-100vw}.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.4rem .8rem;z-index:3}
header,main,footer{max-width:64rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2.5rem}
h1,h2,h3,h4,p,li,dd,td,th,summary,label,code{overflow-wrap:anywhere}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .35rem;letter-spacing:-.01em}
h2{font-size:1.25rem;line-height:1.3;margin:0}
h3{font-size:.82rem;margin:1.9rem 0 .6rem;text-transform:uppercase;letter-spacing:.06em;color:var(--soft)}
h4{font-size:1.05rem;margin:0;line-height:1.35}
.lead{color:var(--soft);margin:0 0 1.6rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.9rem;margin:0 0 .9rem;padding:0}
.tile,.panel,.conversation{background:var(--card);border:1px solid var(--rule);border-radius:.7rem}
.tile{padding:.9rem 1.1rem}
.tile dt{color:var(--soft);font-size:.85rem}
.tile dd{margin:0;font-size:1.9rem;font-weight:650;line-height:1.2;font-variant-numeric:tabular-nums}
.tile small{font-size:.85rem;font-weight:400;color:var(--soft)}
.panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(18rem,1fr));gap:.9rem}
.panel{padding:1rem 1.2rem}
.panel h2{font-size:1rem;margin-bottom:.7rem}
.bars{display:grid;grid-template-columns:max-content 1fr max-content;gap:.35rem .8rem;align-items:center;margin:0;font-size:.9rem}
.bars dt,.bars dd{margin:0}
.bars .n{text-align:right;font-variant-numeric:tabular-nums}
.bars svg{display:block;width:100%;height:.7rem;border-radius:.35rem}
.bars.wide{grid-template-columns:minmax(0,3fr) minmax(3rem,2fr) max-content}
rect.track{fill:var(--track)}
rect.critical{fill:var(--critical)}rect.high{fill:var(--high)}rect.medium{fill:var(--medium)}rect.low{fill:var(--low)}rect.info{fill:var(--info)}
rect.covered{fill:var(--good)}rect.partial{fill:var(--medium)}rect.absent{fill:var(--track)}
nav{margin-top:.9rem}
nav ol{margin:0;padding-left:2.2rem;columns:17rem;column-gap:2.5rem}
nav li{padding:.15rem 0;break-inside:avoid}
nav .n{color:var(--soft);font-size:.88rem}
#filter{position:sticky;top:0;z-index:2;background:var(--card);border:1px solid var(--rule);border-radius:.7rem;margin:1rem 0;padding:.7rem 1rem;display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:end;box-shadow:0 2px 10px #0001}
#filter[hidden]{display:none}
#filter label{display:flex;flex-direction:column;gap:.15rem;font-size:.8rem;color:var(--soft)}
#filter fieldset{border:0;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.3rem;min-width:0}
#filter legend{font-size:.8rem;color:var(--soft);padding:0;margin-bottom:.15rem}
#filter input[type=search],#filter select,#filter button{font:inherit;font-size:.95rem;color:var(--ink);background:var(--paper);border:1px solid var(--rule);border-radius:.45rem;padding:.3rem .55rem;max-width:100%}
#filter select{max-width:14rem}
#filter button{cursor:pointer}
#filter .pick{flex-direction:row;align-items:center;gap:.3rem;border:1px solid var(--rule);border-radius:1rem;padding:.2rem .65rem;color:var(--ink);cursor:pointer}
#filter .pick:has(:focus-visible){outline:3px solid var(--focus)}
#shown{margin:0 0 .3rem auto;color:var(--soft);font-size:.9rem}
.conversation{margin:1.2rem 0;padding:0 1.4rem}
.conversation>summary{list-style:none;cursor:pointer;display:flex;align-items:center;gap:1rem;padding:1.1rem 0}
.conversation>summary::-webkit-details-marker{display:none}
.conversation>summary>h2{flex:1;min-width:0}
.conversation>summary::before{content:"";border:.35rem solid transparent;border-left-color:var(--soft);margin-right:-.4rem}
.conversation[open]>summary::before{transform:rotate(90deg) translate(.1rem,.2rem)}
.conversation[open]{padding-bottom:1.4rem}
.counts{display:flex;flex-wrap:wrap;gap:.3rem;justify-content:flex-end}
.ring{flex:none;width:3.4rem;height:3.4rem}
.ring text{fill:var(--ink);font:650 11.5px system-ui,sans-serif;text-anchor:middle;dominant-baseline:central}
.ring circle{fill:none;stroke-width:4;stroke:var(--track)}
.ring .great{stroke:var(--good)}.ring .fair{stroke:var(--medium)}.ring .poor{stroke:var(--critical)}
.facts{display:flex;flex-wrap:wrap;gap:.2rem 1.6rem;margin:0;font-size:.92rem}
.facts div{display:flex;gap:.4rem;min-width:0}
.facts dt{color:var(--soft)}.facts dd{margin:0;min-width:0}
.points{margin:.2rem 0;padding-left:1.3rem}
.finding{border:1px solid var(--rule);border-left:.35rem solid var(--info);border-radius:.45rem;padding:.8rem 1rem;margin:.8rem 0}
.finding.critical{border-left-color:var(--critical)}.finding.high{border-left-color:var(--high)}.finding.medium{border-left-color:var(--medium)}.finding.low{border-left-color:var(--low)}
.finding header{all:unset;display:flex;flex-wrap:wrap;gap:.4rem .6rem;align-items:center}
.finding dl,.practice dl{display:grid;grid-template-columns:minmax(7rem,11rem) 1fr;gap:.3rem 1rem;margin:.6rem 0 0;font-size:.94rem}
.finding dt,.practice dt{color:var(--soft)}.finding dd,.practice dd{margin:0;min-width:0}
.badge{border-radius:1rem;padding:.05rem .6rem;font-size:.75rem;font-weight:700;letter-spacing:.04em;color:var(--on);background:var(--info)}
.badge.critical{background:var(--critical)}.badge.high{background:var(--high)}.badge.medium{background:var(--medium)}.badge.low{background:var(--low)}
.state{border:1px solid var(--rule);border-radius:1rem;padding:.05rem .6rem;font-size:.75rem}
.state.fixed{color:var(--good);border-color:currentcolor}
.where{color:var(--soft);font-size:.85rem}
pre{margin:.6rem 0 0;padding:.7rem .9rem;background:var(--code);border-radius:.45rem;white-space:pre-wrap;overflow-wrap:anywhere;tab-size:4}
code,pre{font:.87em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
p code,li code,dd code,h4 code{background:var(--code);border-radius:.25rem;padding:.05em .3em}
blockquote{margin:.6rem 0 0;padding:.2rem .9rem;border-left:3px solid var(--rule);color:var(--soft);overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(22rem,100%),1fr));gap:.8rem}
.practice{border:1px solid var(--rule);border-radius:.45rem;padding:.8rem 1rem;min-width:0}
.practice dl{grid-template-columns:1fr}.practice dt{margin-top:.25rem;font-size:.82rem}
.checklist{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:repeat(auto-fit,minmax(min(17rem,100%),1fr));gap:.3rem 1.2rem}
.checklist li{display:grid;grid-template-columns:1.5rem 1fr}
.checklist small{grid-column:2;color:var(--soft)}
.mark{font-weight:700}
.covered .mark{color:var(--good)}.partial .mark{color:var(--partial)}
.absent,.not-applicable{color:var(--soft)}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(18rem,100%),1fr));gap:.4rem 1.6rem}
.two p{margin:0 0 .2rem;font-weight:600}
.conclusion{border-top:1px solid var(--rule);margin:1.8rem 0 0;padding-top:1rem}
.note{color:var(--soft)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.94rem}
caption{text-align:left;font-weight:600;padding:.8rem 0 .3rem}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid var(--rule)}
.num{text-align:right;font-variant-numeric:tabular-nums}
footer{padding-top:1.5rem;padding-bottom:3rem;color:var(--soft);font-size:.88rem}
[hidden]{display:none!important}
@media (max-width:38rem){header{padding-top:1.4rem}h1{font-size:1.5rem}.conversation{padding:0 1rem}#filter{position:static}
.finding dl{grid-template-columns:1fr;gap:0}.finding dd{margin-bottom:.5rem}html{scroll-padding-top:1rem}}
@media print{:root{--ink:#000;--soft:#444;--paper:#fff;--card:#fff;--rule:#bbb;--link:#000;--code:#f4f4f4;--critical:#a3122b;--high:#b34700;--medium:#7d5a00;--low:#0b6b8a;--info:#59636e;--on:#fff;--good:#1a7f37;--partial:#7d5a00;--track:#ddd}
body{font-size:10.5pt}header,main,footer{max-width:none;padding:0}#filter,.skip,.conversation>summary::before{display:none!important}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
.finding,.practice,.tile,.panel,tr{break-inside:avoid}h2,h3,h4{break-after:avoid}.conversation{border:0;padding:0;break-before:page}
details::details-content{content-visibility:visible;block-size:auto}}
`;
