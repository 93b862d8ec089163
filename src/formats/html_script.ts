/**
 * The script of the page: search, themes, folding, an outline of what was asked, keys. Without it the page can be read
 * all the same. It makes no markup out of text, and asks for nothing.
 *
 * @module
 */

const search = `
const article = (node) => node.nodeType === 1 ? node.closest(".message") : node.parentElement.closest(".message");
let found = [], at = -1, searched = "";
const texts = new WeakMap();
const lower = (element) => {
  let text = texts.get(element);
  if (text === undefined) { text = element.textContent.toLowerCase(); texts.set(element, text); }
  return text;
};
const supports = typeof Highlight === "function" && CSS.highlights;
const show = () => {
  const on = searched !== "";
  form.classList.toggle("on", on);
  output.textContent = !on ? "" : found.length === 0 ? "none" :
    (at + 1) + " of " + found.length.toLocaleString("en-US") + (found.length === foundMax ? "+" : "");
};
const foundMax = 10000;
const find = () => {
  const wanted = input.value.trim().toLowerCase();
  if (wanted === searched) return;
  searched = wanted; found = []; at = -1;
  if (wanted !== "") {
    for (const element of document.querySelectorAll(".message")) {
      if (found.length >= foundMax) break;
      if (!lower(element).includes(wanted)) continue;
      const walker = document.createTreeWalker(element.querySelector(".body"), NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const text = node.data.toLowerCase();
        if (text.length !== node.data.length) continue;
        let i = text.indexOf(wanted);
        for (; i >= 0 && found.length < foundMax; i = text.indexOf(wanted, i + wanted.length)) {
          const range = new Range();
          range.setStart(node, i); range.setEnd(node, i + wanted.length);
          found.push(range);
        }
      }
    }
  }
  if (supports) {
    CSS.highlights.delete("current");
    CSS.highlights.set("found", new Highlight(...found));
  }
  show();
  if (found.length > 0) {
    const first = found.findIndex((range) => article(range.startContainer).getBoundingClientRect().bottom > 60);
    go(first < 0 ? 0 : first);
  }
};
const go = (index) => {
  if (found.length === 0) return;
  at = (index + found.length) % found.length;
  const range = found[at], parent = range.startContainer.parentElement;
  for (let fold = parent.closest("details"); fold; fold = fold.parentElement.closest("details")) {
    if (!(parent.closest("summary") && parent.closest("summary").parentElement === fold)) fold.open = true;
  }
  if (supports) CSS.highlights.set("current", new Highlight(range));
  else { const selection = getSelection(); selection.removeAllRanges(); selection.addRange(range); }
  parent.scrollIntoView({ block: "center" });
  show();
};
let timer;
input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, 150); });
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(timer);
  const was = searched;
  find();
  if (was === searched) go(at + 1);
});
byId("previous").addEventListener("click", () => go(at - 1));
byId("next").addEventListener("click", () => go(at + 1));
`;

const folding = `
let isOpen = false;
const foldAll = () => {
  isOpen = !isOpen;
  for (const fold of document.querySelectorAll("main details")) fold.open = isOpen;
  foldButton.setAttribute("aria-pressed", String(isOpen));
};
foldButton.addEventListener("click", foldAll);
`;

const themes = `
const dark = matchMedia("(prefers-color-scheme:dark)");
const root = document.documentElement;
const isDark = () => (root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
const tellTheme = () => themeButton.setAttribute("aria-pressed", String(isDark()));
try {
  const kept = localStorage.getItem("theme");
  if (kept === "dark" || kept === "light") root.dataset.theme = kept;
} catch {}
const switchTheme = () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch {}
  tellTheme();
};
themeButton.addEventListener("click", switchTheme);
dark.addEventListener("change", tellTheme);
tellTheme();
`;

const moving = `
let here = null;
const messages = () => [...document.querySelectorAll(".message")];
const goTo = (element) => {
  if (!element) return;
  if (here) here.classList.remove("here");
  here = element; here.classList.add("here");
  here.focus({ preventScroll: true });
  here.scrollIntoView({ block: "start" });
};
const step = (by, selector) => {
  const all = messages();
  let index = all.indexOf(here);
  if (index < 0) index = all.findIndex((element) => element.getBoundingClientRect().bottom > 80) - (by > 0 ? 1 : 0);
  for (index += by; index >= 0 && index < all.length; index += by) {
    if (all[index].matches(selector)) return goTo(all[index]);
  }
};
const fillOutline = () => {
  const list = byId("outline").querySelector("ol");
  if (list.firstChild) return;
  for (const element of document.querySelectorAll(".message.user")) {
    const item = document.createElement("li"), link = document.createElement("a");
    link.href = "#" + element.id;
    link.textContent = element.querySelector(".body").textContent.trim().slice(0, 200) || "(nothing)";
    link.addEventListener("click", (event) => { event.preventDefault(); byId("outline").close(); goTo(element); });
    item.append(link); list.append(item);
  }
};
const openPanel = (id) => { if (id === "outline") fillOutline(); byId(id).showModal(); };
for (const panel of document.querySelectorAll("dialog")) {
  panel.querySelector(".close").addEventListener("click", () => panel.close());
  panel.addEventListener("click", (event) => { if (event.target === panel) panel.close(); });
}
byId("outline-button").addEventListener("click", () => openPanel("outline"));
byId("keys-button").addEventListener("click", () => openPanel("keys"));
`;

const keys = `
const actions = {
  "/": () => { input.focus(); input.select(); },
  n: () => go(at + 1), N: () => go(at - 1),
  j: () => step(1, "*"), k: () => step(-1, "*"),
  J: () => step(1, ".user"), K: () => step(-1, ".user"),
  e: foldAll, t: switchTheme, o: () => openPanel("outline"), "?": () => openPanel("keys"),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === input) {
    if (event.key === "Escape") { input.value = ""; find(); input.blur(); }
    if (event.key === "Enter" && event.shiftKey) { event.preventDefault(); clearTimeout(timer); find(); go(at - 1); }
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && searched !== "") { input.value = ""; find(); return; }
  const action = Object.hasOwn(actions, event.key) ? actions[event.key] : undefined;
  if (action) { event.preventDefault(); action(); }
});
`;

/** The script. */
export const pageScript: string = `"use strict";
const byId = (id) => document.getElementById(id);
const form = byId("search"), input = byId("query"), output = byId("count");
const foldButton = byId("fold-button"), themeButton = byId("theme-button");
for (const element of document.querySelectorAll("[data-script]")) element.hidden = false;
${themes}${search}${folding}${moving}${keys}`;
