/**
 * The style sheet of the page: dark and light by the system's wish or by a switch, wide and narrow, on paper. Every
 * pair of a text's colour and the ground that it stands on has a contrast of at least 4.5 to 1; a test computes them.
 *
 * @module
 */

/** The colours of one theme. */
export interface PageColours {
  /** The page. */
  ground: string;
  /** Messages of the user, fields, the bar. */
  raised: string;
  /** Code. */
  code: string;
  /** Lines between things. */
  line: string;
  /** Text. */
  text: string;
  /** Times, labels, notes. */
  quiet: string;
  /** The user. */
  user: string;
  /** The assistant. */
  assistant: string;
  /** Tools. */
  tool: string;
  /** The system. */
  system: string;
  /** What failed. */
  failed: string;
  /** Links and the focus. */
  link: string;
  /** What was found. */
  found: string;
  /** Where the search is. */
  current: string;
  /** Lines that were taken out. */
  removed: string;
  /** Lines that were put in. */
  added: string;
}

/** Black on white, more or less. */
export const lightColours: PageColours = {
  ground: "#fcfcfa",
  raised: "#f1f3ee",
  code: "#f2f2ed",
  line: "#d9dad3",
  text: "#23261f",
  quiet: "#5c6157",
  user: "#22633a",
  assistant: "#7a3e12",
  tool: "#4a4f8c",
  system: "#7a2f74",
  failed: "#a3211b",
  link: "#0b5a94",
  found: "#ffe08a",
  current: "#ffab4a",
  removed: "#fbe4e1",
  added: "#e0f2e1",
};

/** White on black, more or less. */
export const darkColours: PageColours = {
  ground: "#16181b",
  raised: "#20242a",
  code: "#1d2126",
  line: "#363c44",
  text: "#dfe2e6",
  quiet: "#9ba3ad",
  user: "#7fd19b",
  assistant: "#f0b27f",
  tool: "#a9b1f5",
  system: "#e0a1da",
  failed: "#ff9289",
  link: "#7cc4ff",
  found: "#5f4a00",
  current: "#8f4d00",
  removed: "#3a2022",
  added: "#1b3325",
};

function variables(colours: PageColours): string {
  return Object.entries(colours).map(([name, value]) => `--${name}:${value};`).join("");
}

const layout = `
*{box-sizing:border-box}
html{background:var(--ground);color:var(--text);
font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;
-webkit-text-size-adjust:100%;scroll-padding-top:4.5rem}
body{margin:0}
a{color:var(--link)}
:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-999rem;top:0;background:var(--raised);padding:.6rem 1rem;z-index:9}
.skip:focus{left:0}
.bar{position:sticky;top:0;z-index:5;background:var(--ground);border-bottom:1px solid var(--line)}
.bar>div{max-width:58rem;margin:0 auto;padding:.5rem 1.25rem;display:flex;gap:.5rem;align-items:center}
.bar .where{flex:1;min-width:0;font-weight:600;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.search{display:flex;align-items:center;gap:.45rem}
.search input{width:13rem;font:inherit;font-size:.9rem;color:var(--text);background:var(--raised);
border:1px solid var(--line);border-radius:6px;padding:.3rem .6rem;min-width:0}
.search label{font-size:.85rem;color:var(--quiet)}
.search output{font-size:.8rem;color:var(--quiet);min-width:4.2rem;text-align:right;white-space:nowrap;
font-variant-numeric:tabular-nums}
.search output:empty{display:none}
button{font:inherit;font-size:.9rem;line-height:1.2;color:var(--text);background:none;border:1px solid transparent;
border-radius:6px;padding:.4rem .55rem;cursor:pointer;min-width:2.2rem}
button:hover{background:var(--raised);border-color:var(--line)}
button[aria-pressed=true],button[aria-expanded=true]{background:var(--raised);border-color:var(--line)}
.search button{display:none}
.search.on button{display:inline-block}
main{max-width:58rem;margin:0 auto;padding:1.5rem 1.25rem 6rem;overflow-wrap:anywhere}
.about h1{font-size:1.7rem;line-height:1.25;margin:.5rem 0 .4rem;overflow-wrap:anywhere;letter-spacing:-.01em}
.about .facts{color:var(--quiet);margin:0 0 1rem;overflow-wrap:anywhere;font-size:.9rem}
.day{font-size:.8rem;font-weight:600;color:var(--quiet);text-align:center;margin:2.2rem 0 1rem;display:flex;
align-items:center;gap:1rem}
.day::before,.day::after{content:"";flex:1;border-top:1px solid var(--line)}
.message{content-visibility:auto;contain-intrinsic-size:auto 9rem;margin:1.6rem 0 0;padding:0 0 0 1rem;
border-left:3px solid transparent;scroll-margin-top:4.5rem}
.message.continued{margin-top:.15rem}
.message.user{background:var(--raised);border-left-color:var(--user);border-radius:0 8px 8px 0;
padding:.75rem 1rem .8rem}
.message.user.continued{margin-top:.6rem}
.message.here{border-left-color:var(--link)}
.message:focus{outline:none}
.message:focus-visible{outline:2px solid var(--link);outline-offset:3px}
.message>header{display:flex;align-items:baseline;gap:.6rem;margin-bottom:.15rem}
.message h3{font-size:.9rem;margin:0;font-weight:650}
.message h3,.message .model{min-width:0;overflow-wrap:anywhere}
.user h3{color:var(--user)}.assistant h3{color:var(--assistant)}
.tool h3{color:var(--tool)}.system h3{color:var(--system)}
.model,.at{font-size:.78rem;color:var(--quiet)}
.at{margin-left:auto;text-decoration:none;font-variant-numeric:tabular-nums;padding:.2rem 0 .2rem .6rem}
.at:hover{text-decoration:underline}
.continued>header{position:relative;height:0;margin:0}
.continued>header h3,.continued>header .model{
position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.continued>header .at{opacity:0}
.continued:hover>header .at,.continued>header .at:focus{opacity:1}
.text>*{margin:.45rem 0}
.text>:first-child{margin-top:0}.text>:last-child{margin-bottom:0}
.text p{white-space:pre-wrap}
.text .heading{font-weight:650;margin-top:1rem}
.text .h1{font-size:1.25rem}.text .h2{font-size:1.12rem}
.text li{white-space:pre-wrap;margin:.15rem 0}
.text ul,.text ol{padding-left:1.6rem}
.text li>ul,.text li>ol{margin:.1rem 0}
blockquote{border-left:3px solid var(--line);padding-left:.9rem;color:var(--quiet)}
hr{border:0;border-top:1px solid var(--line);margin:1rem 0}
code,pre{font-family:ui-monospace,"SF Mono","Cascadia Code","JetBrains Mono",
Menlo,Consolas,"DejaVu Sans Mono",monospace;
font-size:.86em}
.text :not(pre)>code,.field>code{background:var(--code);border:1px solid var(--line);
border-radius:4px;padding:.05em .3em}
.user .text :not(pre)>code{background:var(--ground)}
pre{background:var(--code);border:1px solid var(--line);border-radius:6px;padding:.7rem .85rem;margin:.3rem 0;
white-space:pre;overflow:auto;max-height:26rem;line-height:1.5;tab-size:4}
.code{margin:.6rem 0}.code figcaption{font-size:.75rem;color:var(--quiet);margin-bottom:-.1rem}
.table{overflow-x:auto;overflow-wrap:break-word}
table{border-collapse:collapse;font-size:.92em}
th,td{border:1px solid var(--line);padding:.3rem .6rem;text-align:left;vertical-align:top}
th{background:var(--code)}
img{max-width:100%;max-height:32rem;border-radius:6px;border:1px solid var(--line);display:block;margin:.5rem 0}
.note{color:var(--quiet);font-style:italic;margin:.3rem 0;white-space:pre-wrap}
details{margin:.25rem 0}
summary{cursor:pointer;border-radius:5px;padding:.22rem .4rem;margin-left:-.4rem;list-style:none;display:flex;
align-items:baseline;gap:.5rem;min-width:0}
summary::-webkit-details-marker{display:none}
summary::before{content:"";flex:none;width:0;height:0;border:.3em solid transparent;border-left-color:var(--quiet);
border-right-width:0;align-self:center;transition:transform .12s}
details[open]>summary::before{transform:rotate(90deg)}
summary:hover{background:var(--raised)}
.user summary:hover{background:var(--ground)}
.tool>summary .name,.tool>summary .label{font-weight:600;font-size:.88rem;color:var(--tool)}
.tool>summary .name{max-width:60%;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;flex:none}
.failed>summary .name{color:var(--failed)}
.gist{flex:1;min-width:0;white-space:nowrap;overflow:hidden;text-overflow:ellipsis;color:var(--quiet)}
.thinking .label{font-size:.88rem;color:var(--quiet)}
.thinking>summary .gist,.fold>summary{color:var(--quiet);font-size:.9rem}
.thinking[open]>summary .gist{visibility:hidden}
.thinking>.text{border-left:2px solid var(--line);padding-left:.9rem;margin:.3rem 0 .8rem;color:var(--quiet)}
.status{flex:none;font-size:.78rem;color:var(--quiet);font-variant-numeric:tabular-nums}
.status.error{color:var(--failed);font-weight:600}
.tool[open]{border:1px solid var(--line);border-radius:8px;padding:0 .8rem .7rem;margin:.4rem 0 .8rem}
.tool[open]>summary{margin:0 -.4rem}
.tool[open]>summary .gist{visibility:hidden}
.field{margin:.35rem 0}
.field>.name,.result h4{display:block;font-size:.75rem;font-weight:600;color:var(--quiet);margin:.5rem 0 .1rem}
.field>code{white-space:pre-wrap}
.removed>pre{background:var(--removed)}.added>pre{background:var(--added)}
.text>ul:first-child,.text>ol:first-child{margin-top:.2rem}
.panel{position:fixed;right:0;top:0;bottom:0;width:min(24rem,92vw);background:var(--ground);border:0;
border-left:1px solid var(--line);z-index:8;overflow:auto;padding:1rem 1.25rem;margin:0 0 0 auto;height:100%;
max-height:none;color:var(--text);box-shadow:-8px 0 30px rgb(0 0 0/.25)}
.panel h2{font-size:1rem;margin:.2rem 0 .8rem}
.panel ol{list-style:none;margin:0;padding:0}
.panel li{padding:.4rem;margin:0 -.4rem;border-radius:5px}
.panel li a{text-decoration:none;color:var(--text);overflow-wrap:anywhere;
font-size:.88rem;line-height:1.4;overflow:hidden;display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical}
.panel li:hover{background:var(--raised)}
.panel .close{float:right}
.panel::backdrop{background:rgb(0 0 0/.35)}
kbd{font:600 .8rem ui-monospace,Menlo,Consolas,monospace;background:var(--raised);border:1px solid var(--line);
border-bottom-width:2px;border-radius:4px;padding:.1rem .4rem}
dl.keys{display:grid;grid-template-columns:auto 1fr;gap:.5rem .9rem;margin:0;font-size:.9rem}dl.keys dd{margin:0}
footer{max-width:58rem;margin:0 auto;padding:1rem 1.25rem 3rem;color:var(--quiet);font-size:.8rem;
border-top:1px solid var(--line)}
::highlight(found){background:var(--found);color:var(--text)}
::highlight(current){background:var(--current);color:var(--text)}
[hidden]{display:none!important}
@media (max-width:40rem){
.bar>div{flex-wrap:wrap;padding:.4rem .8rem;gap:.15rem .3rem}
.search{order:9;flex:1 0 100%}.search input{flex:1;font-size:16px}
button{min-height:2.6rem;min-width:2.5rem}
main{padding:1rem .8rem 5rem}
.message{padding-left:.6rem}.message.user{padding:.6rem .7rem}
.about h1{font-size:1.35rem}
pre{max-height:20rem;padding:.55rem .6rem}
summary{padding:.5rem .3rem}
html{scroll-padding-top:7rem}.message{scroll-margin-top:7rem}
.continued>header .at{display:none}
}
@media (prefers-reduced-motion:reduce){*{transition:none!important;scroll-behavior:auto!important}}
@media print{
.bar,.skip,.panel,.search,footer{display:none}
html{font-size:10pt}main{max-width:none;padding:0}
.message{content-visibility:visible;break-inside:auto;background:none!important}
pre{max-height:none;white-space:pre-wrap;overflow:visible}
.message>header{break-after:avoid}
}
`;

/** The style sheet. */
export const pageStyle: string = [
  `:root{color-scheme:light dark;${variables(lightColours)}}`,
  `@media (prefers-color-scheme:dark){:root{${variables(darkColours)}}}`,
  `:root[data-theme=light]{color-scheme:light;${variables(lightColours)}}`,
  `:root[data-theme=dark]{color-scheme:dark;${variables(darkColours)}}`,
  `@media print{:root,:root[data-theme]{color-scheme:light;${variables(lightColours)}}}`,
  layout.replace(/\n/g, ""),
].join("\n");
