/** Records of somebody who wants the page of a conversation to do something, and what must not come of it. */

const attack = `window.attacked = "yes"`;
const markup = [
  `</script><script>${attack}</script>`,
  `</style><script>${attack}</script>`,
  `<img src=x onerror='${attack}'>`,
  `<svg onload='${attack}'><animate onbegin='${attack}'/></svg>`,
  `<iframe srcdoc="<script>parent.attacked='yes'</script>"></iframe>`,
  `<base href="http://attack.example/"><meta http-equiv="refresh" content="0;url=http://attack.example/">`,
  `<link rel=stylesheet href=http://attack.example/x.css><style>body{display:none}</style>`,
  `<form action=http://attack.example/><button autofocus onfocus='${attack}'>`,
  `--><![CDATA[ <!-- <details open ontoggle='${attack}'>`,
  `" onmouseover="${attack}" x="`,
  `' autofocus onfocus='${attack}' x='`,
  `[text](javascript:${attack}) [text](data:text/html,<script>${attack}</script>) [a](vbscript:x) [b](JaVaScRiPt:x)`,
  `[text](http://attack.example/"onmouseover="${attack}) http://attack.example/'onmouseover='x`,
  `![picture](http://attack.example/p.png) <http://attack.example/>`,
  "```\"><script>window.attacked='yes'</script>\n</code></pre><script>window.attacked='yes'</script>\n```",
  "| a | <b onclick=x> |\n|---|---|\n| </td></table><script>window.attacked='yes'</script> | b |",
  `a\u202Egnp.exe\u2066 b\u200Bc \u0000\u001b[31mred\u001b[0m \u009b \ud800 \u2028 \ufeff`,
].join("\n\n");

/** The session's facts, hostile as well. */
export const hostileFacts = {
  key: `k</title><script>${attack}</script>`,
  title: `t</title><script>${attack}</script><h1 onclick='${attack}'>`,
  workspace: `/"><script>${attack}</script>`,
  summary: markup,
};

/** The records. */
export const hostileRecords: readonly object[] = [
  { role: "user", content: markup, created_at: `2026-01-01T00:00:00Z"><script>${attack}</script>` },
  { role: `<script>${attack}</script>`, content: markup },
  { role: "assistant", content: markup, model_name: `m"><script>${attack}</script>`, reasoning_content: markup },
  {
    role: "assistant",
    content: [
      { type: "text", text: markup },
      { type: "image", source: { type: "base64", media_type: "image/svg+xml", data: "PHN2Zy8+" } },
      { type: "image", source: { type: "base64", media_type: `image/png" onerror="${attack}`, data: "AAAA" } },
      { type: "image", source: { type: "base64", media_type: "image/png", data: `AAAA" onerror="${attack}` } },
      { type: "image", source: { type: "url", url: "http://attack.example/p.png" } },
      { type: "image_url", image_url: { url: "http://attack.example/q.png" } },
      {
        type: "image",
        source: {
          type: "base64",
          media_type: "image/png",
          data: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        },
      },
      { type: "file", path: markup },
      { type: markup, anything: markup },
      { type: "tool_use", id: markup, name: markup, input: { [markup]: markup, command: markup, __proto__: { a: 1 } } },
      { type: "tool_use", id: "c2", name: "__proto__", input: { path: "x", oldText: markup, newText: markup } },
    ],
  },
  { role: "user", content: [{ type: "tool_result", tool_use_id: markup, content: markup, is_error: true }] },
  { role: "tool", tool_call_id: "nobody", content: markup },
  { type: "system", content: markup.repeat(3) },
  { seq: 1, ts: 1e15, type: "input", code: markup },
];
