// One message as a list item.

import { avatar, el, firstLine, hueOf, icon, straight } from "./dom.js";
import { documentCard, photo } from "./files.js";
import { keyboard } from "./keyboard.js";
import { richText } from "./richtext.js";
import { clockTime, fullTime } from "./times.js";

// messageItem makes the item. context: what richText, keyboard and documentCard need, and {store, reply(message), seek(id)}.
export function messageItem(m, context) {
  if (m.service) return el("li.service", { "data-id": m.id }, el("span", {}, el("bdi", {}, m.service)));
  const own = context.store.authorOf(m) === context.me;
  const item = el("li.message", { "data-id": m.id, tabindex: "-1", "aria-label": label(m, own) });
  if (own) item.classList.add("own");
  if (m.from_bot) item.classList.add("bot");
  item.append(avatar(m.sender, hueOf(context.store, m.from)), bubble(m, own, context),
    el("button.reply", { title: "Reply", "aria-label": "Reply to " + straight(m.sender), onclick: () => context.reply(m) }, icon("reply")));
  return item;
}

function label(m, own) {
  return (own ? "You" : straight(m.sender)) + ", " + clockTime(new Date(m.date));
}

function bubble(m, own, context) {
  const node = el("div.bubble");
  if (!own) node.append(sender(m, context));
  if (m.reply_to) node.append(quoted(m.reply_to, context));
  if (m.document) node.append(documentCard(m, context));
  if (m.photo) node.append(photo(m));
  if (m.text) node.append(el("div.text", { dir: "auto" }, richText(m.text, m.entities, context)));
  if (m.reactions?.length) node.append(reactions(m, context));
  // The time stands on the last line of the text where there is one, and on a line of its own below anything else.
  const text = node.lastElementChild;
  const inline = text?.matches(".text") && !(text.lastChild instanceof Element && text.lastChild.matches("blockquote, figure"));
  (inline ? text : node).append(meta(m));
  if (m.buttons?.length) node.append(keyboard(m, context));
  return node;
}

function sender(m, context) {
  const role = m.from_bot ? "bot" : m.sender_chat ? "anonymous admin" : context.store.member(m.from)?.role;
  const node = el("div.sender", {}, el("bdi", {}, straight(m.sender)), role && el("span.tag-role", {}, role));
  node.classList.add(hueOf(context.store, m.from));
  return node;
}

function quoted(id, context) {
  const other = context.store.messages.get(id);
  if (!other || other.deleted) return el("div.quote", {}, el("span", {}, "A message that is gone"));
  const node = el("button.quote", { "aria-label": "Go to the message of " + straight(other.sender), onclick: () => context.seek(id) },
    el("b", {}, el("bdi", {}, straight(other.sender))), el("span", { dir: "auto" }, firstLine(other)));
  node.classList.add(hueOf(context.store, other.from));
  return node;
}

function reactions(m, context) {
  const counts = new Map();
  for (const r of m.reactions) counts.set(r.emoji, [...(counts.get(r.emoji) || []), r.from]);
  return el("div.reactions", {}, ...[...counts].map(([emoji, from]) => {
    const names = from.map((id) => context.store.nameOf(id)).join(", ");
    const node = el("span.reaction", { title: names, role: "img", "aria-label": emoji + " by " + names }, from.length > 1 ? emoji + " " + from.length : emoji);
    if (from.includes(context.me)) node.classList.add("mine");
    return node;
  }));
}

function meta(m) {
  const sent = new Date(m.date);
  const title = m.edit_date ? fullTime(sent) + "\nEdited " + fullTime(new Date(m.edit_date)) : fullTime(sent);
  return el("div.meta", { title },
    m.pinned && icon("pin", "Pinned"),
    m.from_bot && !m.silent && icon("bell", "Sent with a notification"),
    m.forwarded && el("span", {}, "forwarded"),
    m.scheduled && el("span", {}, "scheduled"),
    m.edit_date && el("span.edited", {}, "edited"),
    el("time", { datetime: sent.toISOString() }, clockTime(sent)));
}
