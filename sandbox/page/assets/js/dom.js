// Small helpers for making nodes. Text always goes in as text: nothing here, or anywhere in the page, parses HTML.

const SVG = "http://www.w3.org/2000/svg";

// el makes an element: el("p.note", {title: "x"}, "text", otherNode).
export function el(spec, props = {}, ...children) {
  const [tag, ...classes] = spec.split(".");
  const node = document.createElement(tag);
  if (tag === "button") node.type = "button";
  if (classes.length) node.classList.add(...classes);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

export function icon(name, title) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon " + name);
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", "#i-" + name);
  svg.append(use);
  if (title) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", title);
    const t = document.createElementNS(SVG, "title");
    t.textContent = title;
    svg.prepend(t);
  } else {
    svg.setAttribute("aria-hidden", "true");
  }
  return svg;
}

export const byId = (id) => document.getElementById(id);

// hue picks one of eight colours for somebody, always the same one.
export function hue(id) {
  let h = 0;
  for (const c of String(id)) h = (h * 31 + c.charCodeAt(0)) >>> 0;
  return "hue-" + ((h ^ (h >>> 5)) % 8);
}

export function initials(name) {
  const words = name.trim().split(/[\s_-]+/).filter(Boolean);
  const letters = words.slice(0, 2).map((w) => [...w][0]);
  return letters.join("").toLocaleUpperCase() || "?";
}

export function avatar(id, name) {
  const node = el("span.avatar", { "aria-hidden": "true" }, initials(name));
  node.classList.add(hue(id));
  return node;
}

// firstLine is what a message is called where there is room for one line.
export function firstLine(message, length = 120) {
  const text = message.text || (message.document && message.document.name) || (message.photo && "Photo") || message.service || "";
  const line = text.split("\n").find((l) => l.trim()) || "";
  const chars = [...line];
  return chars.length > length ? chars.slice(0, length - 1).join("") + "…" : line;
}
