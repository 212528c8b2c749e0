// The document or photo of a message.

import { documentText, documentURL } from "./api.js";
import { el, icon, straight, visibly } from "./dom.js";

const readable = /\.(sql|txt|log|md|json|jsonc|ya?ml|toml|csv|diff|patch|go|js|ts|html|css|sh)$/i;
const readableSize = 512 << 10;

// documentCard shows name and size, with a way to save it and, where it is text, to read it here. context: {open, copy}.
export function documentCard(message, context) {
  const file = message.document;
  const name = straight(file.name);
  const ending = /\.([a-z0-9]{1,4})$/i.exec(name);
  const card = el("div.file", {},
    el("span.file-kind", { "aria-hidden": "true" }, ending ? ending[1].toUpperCase() : "FILE"),
    el("span.file-text", {}, el("b", {}, el("bdi", {}, name)), el("span", {}, size(file.size))));
  const actions = el("span.file-actions");
  card.append(actions);
  if ((readable.test(name) || /^text\//.test(file.mime || "")) && file.size <= readableSize) {
    actions.append(reader(message, name, card, context));
  }
  actions.append(el("a.plain", { href: documentURL(message.id), download: name, title: "Save", "aria-label": "Save " + name }, icon("save")));
  return card;
}

function reader(message, name, card, context) {
  const key = "preview";
  const toggle = el("button.plain", { title: "Read", "aria-label": "Read " + name, "aria-expanded": "false" }, icon("eye"));
  async function show() {
    context.open.add(key);
    toggle.setAttribute("aria-expanded", "true");
    const pre = el("pre", { tabindex: "0", dir: "ltr" }, "Reading…");
    const head = el("div.code-head", {}, el("bdi", {}, name));
    card.append(el("figure.code.preview", {}, head, pre));
    try {
      const text = await documentText(message.id);
      pre.textContent = visibly(text);
      head.append(el("button.small", { onclick: () => context.copy(text) }, icon("copy"), "Copy"));
    } catch (e) {
      pre.textContent = e instanceof TypeError ? "This file is not text. Save it to open it." : e.message;
    }
  }
  toggle.addEventListener("click", () => {
    if (!context.open.delete(key)) return show();
    toggle.setAttribute("aria-expanded", "false");
    card.querySelector(".preview")?.remove();
  });
  if (context.open.has(key)) show();
  return toggle;
}

// photo shows a message's picture. Its file id is in the address, so that a browser does not show the picture that stood there before an edit.
export function photo(message) {
  const p = message.photo;
  return el("img.photo", { src: documentURL(message.id) + "?file=" + encodeURIComponent(p.id), width: p.width || undefined, height: p.height || undefined, alt: message.text || p.name || "Photo" });
}

export function size(bytes) {
  if (bytes < 1024) return bytes + (bytes === 1 ? " byte" : " bytes");
  if (bytes < 1 << 20) return (bytes / 1024).toFixed(1) + " KB";
  return (bytes / (1 << 20)).toFixed(1) + " MB";
}
