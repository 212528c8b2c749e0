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
  svg.setAttribute("class", "icon icon-" + name);
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

// Marks that turn the direction of writing, with which a name can be made to read as another.
const turning = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

// straight is a name as it is shown: without marks that would turn it, or what stands around it.
export const straight = (name) => name.replace(turning, "").trim() || "?";

// visibly shows such marks in a text that has to be read exactly.
export const visibly = (text) => text.replace(turning, (c) => "⟨U+" + c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0") + "⟩");

export const byId = (id) => document.getElementById(id);

// hueOf picks one of eight colours for somebody, always the same one: the page's own for bots, one each for the members.
export function hueOf(store, id) {
  if (store.room.bots[id]) return "hue-4";
  const place = store.room.members.findIndex((m) => m.id === id);
  return "hue-" + (place < 0 ? [0, 2, 7][Math.abs(id) % 3] : [5, 1, 6, 3, 7, 2, 0][place % 7]);
}

export function initials(name) {
  const words = straight(name).split(/[\s_-]+/).filter(Boolean);
  const letters = words.slice(0, 2).map((w) => [...w][0]);
  return letters.join("").toLocaleUpperCase() || "?";
}

export function avatar(name, hue) {
  const node = el("span.avatar", { "aria-hidden": "true" }, initials(name));
  node.classList.add(hue);
  return node;
}

// firstLine is what a message is called where there is room for one line.
export function firstLine(message, length = 120) {
  const text = message.text || (message.document && message.document.name) || (message.photo && "Photo") || message.service || "";
  const line = text.split("\n").find((l) => l.trim()) || "";
  const chars = [...line];
  return chars.length > length ? chars.slice(0, length - 1).join("") + "…" : line;
}
