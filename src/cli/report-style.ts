/** The page's own style sheet: nothing is loaded, so nothing can be missing. */
export const style = `
:root{color-scheme:light dark;--page:#f6f7f8;--card:#fff;--ink:#1b2126;--soft:#56616b;--line:#dde2e6;--shade:#f0f3f5;--point:#1b6b8f;--coming:#5e9fbb;--good:#1a7040;--warn:#8a5a00;--bad:#b3261e;--gap:#f6cfcb}
@media (prefers-color-scheme:dark){:root{--page:#12161a;--card:#1a2026;--ink:#e4e8eb;--soft:#a0abb5;--line:#303941;--shade:#222a31;--point:#6fc0e0;--coming:#4f88a3;--good:#6cc994;--warn:#e2b34a;--bad:#ff8f85;--gap:#5b2a28}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}
header,main,footer{max-width:68rem;margin:0 auto;padding:0 1rem}
header{padding-top:2rem}
h1{font-size:1.6rem;line-height:1.2;margin:0;overflow-wrap:anywhere}
h2{font-size:1.3rem;margin:0 0 .25rem;overflow-wrap:anywhere}
h3{font-size:1rem;margin:2rem 0 .5rem}
h4{font-size:.9rem;margin:1rem 0 .25rem}
p{margin:.5rem 0}
small,.soft,footer{color:var(--soft);font-size:.875rem}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.85em;unicode-bidi:isolate}
code{overflow-wrap:anywhere}
a{color:var(--point)}
:focus-visible{outline:3px solid var(--point);outline-offset:2px;border-radius:2px}
section,.verdict{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1.25rem;margin:1rem 0}
.verdict{border-left:.4rem solid var(--good)}
.verdict.attention{border-left-color:var(--warn)}
.verdict.failing{border-left-color:var(--bad)}
.verdict p{margin:0;font-size:1.15rem;font-weight:600}
.verdict p+p{font-size:.875rem;font-weight:400;color:var(--soft);margin-top:.25rem}
.findings{list-style:none;margin:0;padding:0}
.findings li{padding:.6rem 0 .6rem 5rem;border-top:1px solid var(--line);position:relative;overflow-wrap:anywhere}
.findings li:first-child{border-top:0}
.findings b{position:absolute;left:0;font-size:.8rem;line-height:1.5rem;font-weight:600}
.findings .error b,.overdue{color:var(--bad)}
.findings .warning b,.settling,.lesser{color:var(--warn)}
.findings .notice b{color:var(--soft)}
.kept{color:var(--good)}
.overdue,.kept,.settling{font-weight:600}
.findings small{display:block}
dl.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(9.5rem,45%),1fr));gap:.9rem 1.25rem;margin:1rem 0 0}
dl.facts dt{color:var(--soft);font-size:.8rem}
dl.facts dd{margin:0;font-weight:600;line-height:1.35;overflow-wrap:anywhere}
dl.facts dd small{display:block;font-weight:400}
table{border-collapse:collapse;width:100%;font-size:.875rem}
caption{text-align:left;color:var(--soft);padding-bottom:.25rem}
th,td{text-align:left;vertical-align:top;padding:.4rem .75rem .4rem 0;border-top:1px solid var(--line);overflow-wrap:anywhere}
thead th{border-top:0;color:var(--soft);font-weight:600;font-size:.8rem}
tbody th{font-weight:400}
.num{text-align:right;white-space:nowrap}
.when{white-space:nowrap}
.points table{table-layout:fixed}
.points th:nth-child(1){width:9.5rem}.points th:nth-child(2){width:9rem}.points th:nth-child(3){width:5.5rem}.points th:nth-child(5){width:6.5rem}.points th:nth-child(6){width:12rem}
.chart{margin:.75rem 0 0}
figcaption{font-size:.875rem;font-weight:600;margin-bottom:.25rem}
figcaption small{font-weight:400}
.lane{display:grid;grid-template-columns:15.5rem 1fr;gap:.75rem;align-items:center}
.lane .name{font-size:.8rem;line-height:1.3;overflow-wrap:anywhere}
.lane .name small{font-size:.75rem}
.marks{display:block;width:100%;height:1.5rem;background:var(--shade);border-radius:2px;margin:2px 0}
.marks path,.key path{vector-effect:non-scaling-stroke;stroke-width:2px;fill:none}
.whole,.pending{stroke:var(--point)}
.pending{stroke-dasharray:3 2}
.coming{stroke:var(--coming)}
.lesser{stroke:var(--warn)}
.spoilt{stroke:var(--bad)}
.marks .lesser,.marks .spoilt,.key .lesser,.key .spoilt{stroke-width:3px}
.instant{stroke:var(--ink);stroke-dasharray:2 2}
.marks .instant,.key .instant{stroke-width:1px}
.marks .gap,.key .gap{fill:var(--gap);stroke:none}
.axis{display:block;width:100%;height:1rem;overflow:visible}
.axis text{font-size:.75rem;fill:var(--soft)}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;font-size:.8rem;color:var(--soft);margin:.5rem 0 0}
.key{width:.5rem;height:1rem;vertical-align:-.2rem;margin-right:.35rem}
.bars{display:block;width:100%;height:4.5rem;background:var(--shade);border-radius:2px}
.bar-done{fill:var(--point)}.bar-degraded{fill:var(--warn)}.bar-failed{fill:var(--bad)}
.ends{display:flex;justify-content:space-between;margin:.15rem 0 0;font-size:.75rem;color:var(--soft)}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:0 1.5rem}
details{border-top:1px solid var(--line)}
details:last-of-type{border-bottom:1px solid var(--line)}
summary{cursor:pointer;padding:.6rem 0;font-size:.9rem}
details>:not(summary){margin-bottom:1rem}
pre{background:var(--shade);border-radius:.25rem;padding:.75rem;margin:.5rem 0;white-space:pre-wrap;overflow-wrap:anywhere;user-select:all}
pre code{font-size:.8rem}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;padding:0;margin:1rem 0 0}
footer{padding-bottom:2rem}
@media (min-width:40rem){dl.facts{grid-template-columns:repeat(4,1fr)}}
@media (max-width:40rem){
section,.verdict{padding:1rem}
.lane{grid-template-columns:1fr;gap:0}
.lane .name{padding-top:.35rem}
.findings li{padding-left:0}.findings b{position:static;display:block;line-height:1.2}
.when{white-space:normal}
th,td{padding-right:.5rem}
table{font-size:.8rem}
.points thead,.volumes thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.points table,.points tbody,.volumes,.volumes tbody{display:block}
.points tr,.volumes tr{display:grid;grid-template-columns:1fr auto;gap:.1rem .75rem;border-top:1px solid var(--line);padding:.5rem 0}
.points td,.volumes td,.volumes th{border:0;padding:0}
.points td:nth-child(1){order:-4;font-weight:600}
.points td:nth-child(2){order:-3;text-align:right}
.points td:nth-child(3){order:-2;text-align:left}
.points td:nth-child(5){order:-1;text-align:right}
.points td:nth-child(5):not(:empty)::before{content:"goes "}
.points td:nth-child(4),.points td:nth-child(6){grid-column:1/-1}
.volumes th{order:-2}.volumes td:nth-child(3){order:-1}
.volumes .num::after{content:" points"}
}
@media print{
:root{color-scheme:light;--page:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb;--shade:#f2f2f2;--point:#1b6b8f;--coming:#5e9fbb;--good:#1a7040;--warn:#8a5a00;--bad:#b3261e;--gap:#f6cfcb}
body{font-size:10pt}
header,main,footer{max-width:none;padding:0}
section,.verdict{border:0;padding:0}
.verdict{border-left:.4rem solid var(--good);padding-left:.75rem}
svg,path{-webkit-print-color-adjust:exact;print-color-adjust:exact}
figure,tr,pre{break-inside:avoid}
h2,h3{break-after:avoid}
details::details-content{content-visibility:visible;block-size:auto}
}
`;
