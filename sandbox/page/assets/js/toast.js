// Short words that go by themselves, and a dialog for those that must be read.

import { byId, el } from "./dom.js";

export function toast(text, { bad = false, url = "" } = {}) {
  const node = el("div.toast", { dir: "auto" }, text);
  if (bad) node.classList.add("bad");
  if (/^https?:/.test(url)) node.append(" ", el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, "Open"));
  const box = byId("toasts");
  while (box.children.length > 2) box.firstElementChild.remove();
  box.append(node);
  const stay = Math.min(12000, 2200 + 60 * text.length);
  let timer = setTimeout(() => node.remove(), stay);
  node.addEventListener("mouseenter", () => clearTimeout(timer));
  node.addEventListener("mouseleave", () => (timer = setTimeout(() => node.remove(), 1500)));
  node.addEventListener("click", () => node.remove());
}

export function alertBox(text) {
  const box = byId("alert");
  byId("alert-text").textContent = text;
  if (!box.open) box.showModal();
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without the permission, the old way: a selection and a command.
    const area = el("textarea.unseen-text", { "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) return toast("Copying is not allowed here.", { bad: true });
  }
  toast("Copied");
}
