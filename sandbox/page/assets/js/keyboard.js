// The buttons below a message.

import { el, icon } from "./dom.js";

// keyboard returns the rows. context: {press(button, row, col), copy(text), busy(row, col, data)}.
export function keyboard(message, context) {
  const rows = message.buttons.map((row, r) => el("div.keys", {}, ...row.map((b, c) => key(b, r, c, context))));
  return el("div.keyboard", {}, ...rows);
}

function key(b, row, col, context) {
  const label = el("span", { dir: "auto" }, b.text);
  const node = body(b, row, col, label, context);
  if (["primary", "success", "danger"].includes(b.style)) node.classList.add(b.style);
  node.dataset.label = b.text;
  return node;
}

function body(b, row, col, label, context) {
  if (b.url) {
    const href = safe(b.url);
    if (href) return el("a.key", { href, target: "_blank", rel: "noopener noreferrer", title: href }, label, icon("out"));
  }
  if (b.copy_text) {
    return el("button.key", { title: "Copy " + b.copy_text, onclick: () => context.copy(b.copy_text) }, label, icon("copy"));
  }
  if (b.callback_data) {
    const node = el("button.key", { onclick: () => context.press(b, row, col) }, label);
    if (context.busy(b.callback_data)) {
      node.classList.add("busy");
      node.setAttribute("aria-busy", "true");
      node.disabled = true;
    }
    return node;
  }
  return el("button.key", { disabled: true, title: "This button needs Telegram itself" }, label);
}

function safe(address) {
  try {
    const url = new URL(address);
    return ["http:", "https:"].includes(url.protocol) ? url.href : "";
  } catch {
    return "";
  }
}
