// From a text and its entities to nodes. Offsets and lengths count UTF-16 code units, which is how JavaScript counts too.

import { el, icon } from "./dom.js";
import { formatTime, fullTime } from "./times.js";

// richText returns a fragment. context: {store, me, now(), say(text), copy(text), open: Set of what the reader has unfolded}.
export function richText(text, entities, context) {
  const sorted = (entities || [])
    .filter((e) => e.length > 0 && e.offset >= 0 && e.offset < text.length)
    .sort((a, b) => a.offset - b.offset || b.length - a.length || rank(a) - rank(b));
  const fragment = document.createDocumentFragment();
  fill(fragment, text, sorted, 0, text.length, context);
  return fragment;
}

// rank: of two that cover the same text, a quote is around a block of code, and that around everything else.
const rank = (e) => (e.type.endsWith("blockquote") ? 0 : e.type === "pre" ? 1 : 2);

function fill(parent, text, entities, from, to, context) {
  let at = from;
  for (let i = 0; i < entities.length; ) {
    const e = entities[i];
    const start = Math.max(e.offset, at);
    const end = Math.min(e.offset + e.length, to);
    let next = i + 1;
    while (next < entities.length && entities[next].offset < end) next++;
    const inner = entities.slice(i + 1, next);
    i = next;
    if (end <= start) continue;
    if (start > at) parent.append(text.slice(at, start));
    const { node, into } = styled(e, text.slice(start, end), context);
    fill(into, text, inner, start, end, context);
    parent.append(node);
    at = end;
    // A block ends its line by itself; the line feed behind it would be an empty line.
    if (isBlock(e) && text[at] === "\n" && at < to) at++;
  }
  if (to > at) parent.append(text.slice(at, to));
}

const isBlock = (e) => e.type === "pre" || e.type === "blockquote" || e.type === "expandable_blockquote";
const plain = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code", blockquote: "blockquote" };

// styled makes the node of an entity, and says into which node its content goes.
function styled(e, content, context) {
  const leaf = (node) => ({ node, into: node });
  switch (e.type) {
    case "blockquote": {
      const inner = el("div");
      return { node: el("blockquote", {}, inner), into: inner };
    }
    case "bold": case "italic": case "underline": case "strikethrough": case "code":
      return leaf(el(plain[e.type]));
    case "pre":
      return codeBlock(e, content, context);
    case "expandable_blockquote":
      return foldable(e, context);
    case "spoiler":
      return spoiler(e, context);
    case "text_link": case "url":
      return leaf(link(e, content));
    case "text_mention":
      return leaf(mention(e.user, context));
    case "mention":
      return leaf(mention(context.store.named(content)?.id, context));
    case "hashtag":
      return leaf(el("span.hashtag"));
    case "bot_command":
      return leaf(el("button.command", { title: "Send " + content, onclick: () => context.say(content) }));
    case "date_time":
      return dateTime(e, content, context);
  }
  return leaf(el("span"));
}

// link opens in a tab of its own, and only where it leads to the web; of Telegram's own addresses, those of people are mentions.
function link(e, content) {
  const address = e.type === "url" && !/^[a-z][a-z0-9+.-]*:/i.test(content) ? "https://" + content : e.url || content;
  let url;
  try {
    url = new URL(address);
  } catch {
    return el("span");
  }
  if (url.protocol === "tg:") return el("span.mention");
  if (!["http:", "https:", "mailto:"].includes(url.protocol)) return el("span");
  return el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer", title: url.href });
}

function mention(user, context) {
  const node = el("span.mention");
  if (user === context.me) node.classList.add("me");
  return node;
}

function codeBlock(e, content, context) {
  const pre = el("pre", { tabindex: "0", dir: "ltr" });
  const copy = el("button.small", { onclick: () => context.copy(content) }, icon("copy"), "Copy");
  const head = el("div.code-head", {}, el("span", {}, e.language || "text"), copy);
  return { node: el("figure.code", {}, head, pre), into: pre };
}

function foldable(e, context) {
  const key = "quote:" + e.offset;
  const inner = el("div");
  const toggle = el("button");
  const node = el("blockquote.expandable", {}, inner, toggle);
  const show = (open) => {
    node.classList.toggle("closed", !open);
    toggle.textContent = open ? "Show less" : "Show more";
    toggle.setAttribute("aria-expanded", String(open));
  };
  const turn = () => {
    const open = !context.open.delete(key);
    if (open) context.open.add(key);
    show(open);
  };
  toggle.addEventListener("click", turn);
  // As in Telegram, a folded quote opens wherever it is pressed.
  inner.addEventListener("click", (e) => {
    if (node.matches(".closed.long") && !e.target.closest("a, button") && getSelection().isCollapsed) turn();
  });
  show(context.open.has(key));
  if (context.open.has(key)) node.classList.add("long");
  return { node, into: inner };
}

// measureFolds tells quotes that are longer than their fold from those that fit; it needs them on the page.
export function measureFolds(root) {
  for (const node of root.querySelectorAll(".expandable.closed")) {
    const inner = node.firstElementChild;
    node.classList.toggle("long", inner.scrollHeight > inner.clientHeight + 2);
  }
}

function spoiler(e, context) {
  const key = "spoiler:" + e.offset;
  const inner = el("span");
  const node = el("button.spoiler", { "aria-label": "Hidden text, press to read" }, inner);
  const open = () => {
    context.open.add(key);
    node.classList.add("open");
    node.removeAttribute("aria-label");
  };
  if (context.open.has(key)) open();
  node.addEventListener("click", open);
  return { node, into: inner };
}

function dateTime(e, content, context) {
  const date = new Date(e.unix_time * 1000);
  const words = formatTime(date, e.date_time_format, content, context.now());
  const node = el("time", { datetime: date.toISOString(), title: fullTime(date) }, words);
  if (e.date_time_format === "r") node.dataset.relative = "";
  return { node, into: document.createDocumentFragment() };
}
