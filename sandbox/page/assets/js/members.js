// Who the user is: the switcher, and the heading of the chat.

import { avatar, byId, el, hueOf, icon, initials } from "./dom.js";

// members draws the switcher. hide(id, on) makes a member an anonymous administrator, or no longer.
export function members(store, hide) {
  store.on("room", () => draw(store, hide));
  store.on("me", () => draw(store, hide));
  store.on("messages", () => mark(store));
}

function draw(store, hide) {
  const me = store.member(store.me);
  const hidden = Boolean(store.room.hidden[me.id]);
  byId("me-name").textContent = me.name;
  byId("me-role").textContent = [store.handleOf(me.id), "·", me.role].filter(Boolean).join(" ");
  byId("me-about").textContent = hidden ? "Writes as the group itself: the bot is told that the group wrote, but who pressed a button." : me.about;
  const box = byId("members");
  const focused = box.contains(document.activeElement) && document.activeElement;
  const veil = focused && focused.dataset.hide;
  box.replaceChildren(...store.room.members.map((m) => row(store, m, hide)));
  if (veil) box.querySelector(`[data-hide="${veil}"]`)?.focus();
  else if (focused) box.querySelector(".member[aria-pressed=true]").focus();
  box.querySelector(".member[aria-pressed=true]").parentElement.scrollIntoView({ block: "nearest", inline: "nearest" });
  mark(store);
}

function row(store, m, hide) {
  const pressed = m.id === store.me;
  const hidden = Boolean(store.room.hidden[m.id]);
  const handle = store.handleOf(m.id);
  const button = el("button.member", { "aria-pressed": String(pressed), "data-member": m.id, title: m.about, onclick: () => store.become(m.id) },
    avatar(m.name, hueOf(store, m.id)),
    el("span.member-text", {}, el("b", {}, el("bdi", {}, m.name)), el("span", {}, handle && el("span.handle", {}, handle + " · "), hidden ? "anonymous admin" : m.role)));
  const beside = el("a.beside", { href: "#as=" + m.id, target: "_blank", rel: "noopener", title: "Open a second tab as " + m.name, "aria-label": "Open a second tab as " + m.name }, icon("tab"));
  const veil = el("button.veil", { "aria-pressed": String(hidden), "data-hide": m.id, onclick: () => hide(m.id, !hidden),
    title: hidden ? m.name + " writes as the group. Press to end that" : "Let " + m.name + " write as the group, as an anonymous admin",
    "aria-label": "Anonymous admin: " + m.name }, icon("mask"));
  const node = el("div.member-row", {}, button, veil, beside);
  if (hidden) node.classList.add("hidden-admin");
  return node;
}

// mark puts a dot on those whom a message with live buttons mentions: it is their turn.
function mark(store) {
  const wanted = new Set();
  for (const m of store.messages.values()) {
    const live = !m.deleted && m.buttons?.some((r) => r.some((b) => b.callback_data));
    if (live) for (const e of m.entities || []) {
      if (e.type === "text_mention") wanted.add(e.user);
      if (e.type === "mention") wanted.add(store.named(m.text.slice(e.offset, e.offset + e.length))?.id);
    }
  }
  for (const button of byId("members").querySelectorAll(".member")) {
    const id = Number(button.dataset.member);
    const on = wanted.has(id) && id !== store.me;
    button.classList.toggle("wanted", on);
    button.setAttribute("aria-description", on ? "The bot waits for this member" : "");
  }
}

// heading keeps the line below the chat's title: who is there, or that the bot is at work, or that the connection is gone.
export function heading(store) {
  let alive = null;
  let idle = 0;
  const show = () => {
    const status = byId("status");
    const bots = Object.keys(store.room.bots).length;
    status.classList.toggle("busy", alive && store.typing !== "");
    status.classList.toggle("broken", alive === false);
    if (alive === false) status.textContent = "The demo does not answer. Trying again…";
    else if (store.typing) status.textContent = "The bot is " + (doing[store.typing] || "at work") + "…";
    else if (alive) status.textContent = store.room.members.length + " members" + (bots ? ", " + bots + " bot" + (bots > 1 ? "s" : "") : "");
  };
  store.on("room", () => {
    byId("title").textContent = store.room.title;
    document.title = store.room.title + " · Towline demo";
    const face = byId("group-avatar");
    face.textContent = initials(store.room.title);
    face.className = "avatar hue-4";
    show();
  });
  store.on("typing", () => {
    clearTimeout(idle);
    // Telegram shows an action for five seconds, unless it is sent again.
    if (store.typing) idle = setTimeout(() => { store.typing = ""; show(); }, 5000);
    show();
  });
  return (is) => { alive = is; show(); };
}

const doing = { typing: "typing", upload_document: "sending a file", upload_photo: "sending a picture" };
