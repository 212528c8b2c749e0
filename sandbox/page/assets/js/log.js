// The list of messages: keeps items in order and in groups, follows the end, and says aloud what is new.

import { byId, el, firstLine, straight } from "./dom.js";
import { messageItem } from "./message.js";
import { measureFolds } from "./richtext.js";
import { dayLabel } from "./times.js";

const together = 5 * 60 * 1000; // messages of one sender within this time share a name and an avatar

export class Log {
  constructor(store, actions) {
    this.store = store;
    this.actions = actions;
    this.items = new Map(); // message id → its item
    this.unfolded = new Map(); // message id → Set of what the reader has unfolded in it
    this.pressing = new Map(); // message id → Set of the data of buttons that wait for the bot
    this.scroll = byId("scroll");
    this.list = byId("log");
    this.unseen = 0;
    this.following = true;
    this.scroll.addEventListener("scroll", () => this.scrolled());
    byId("to-end").addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => this.resized()).observe(this.scroll);
    store.on("messages", (e) => this.changed(e));
    store.on("me", () => this.redraw());
    store.on("room", () => this.redraw());
  }

  resized() {
    const width = this.scroll.clientWidth;
    if (width !== this.width) for (const b of this.list.querySelectorAll(".bubble")) b.style.minWidth = "";
    this.width = width;
    if (this.following) this.jump();
  }

  changed({ reset, changed }) {
    if (reset) {
      this.list.replaceChildren();
      this.items.clear();
    }
    for (const { before, now } of changed) this.put(now, before, reset);
    this.arrange();
    measureFolds(this.list);
    byId("empty").hidden = this.items.size > 0;
    const fresh = changed.filter(({ before, now }) => !before && !now.deleted);
    if (reset || this.following || fresh.some(({ now }) => this.store.authorOf(now) === this.store.me && !now.from_bot)) this.jump();
    else this.unseen += fresh.length;
    this.count();
    if (!reset) this.announce(changed);
  }

  put(m, before, quiet) {
    const old = this.items.get(m.id);
    if (m.deleted) {
      old?.remove();
      this.items.delete(m.id);
      return;
    }
    const item = messageItem(m, this.context(m));
    this.items.set(m.id, item);
    if (!old) {
      if (!quiet) item.classList.add("arrived");
      this.insert(item, m.id);
      return;
    }
    this.replace(old, item);
    const edited = before && (before.edits !== m.edits || before.edit_date !== m.edit_date);
    if (edited && !quiet) item.classList.add("edited-now");
  }

  // replace puts a changed message into the place of the old one: never narrower, so that a card at work does not jitter, and with the
  // focus where it was.
  replace(old, item) {
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const width = old.querySelector(".bubble")?.getBoundingClientRect().width;
    old.replaceWith(item);
    const bubble = item.querySelector(".bubble");
    if (bubble && width && item.classList.contains("bot")) bubble.style.minWidth = width + "px";
    if (!focused) return;
    const label = focused.dataset.label;
    const same = label && [...item.querySelectorAll(".key")].find((k) => k.dataset.label === label && !k.disabled);
    (same || item).focus({ preventScroll: true });
  }

  insert(item, id) {
    let after = null;
    for (const other of this.list.querySelectorAll("[data-id]")) {
      if (Number(other.dataset.id) < id) after = other;
      else break;
    }
    if (after) after.after(item);
    else this.list.prepend(item);
  }

  // arrange marks the first and last message of each group and puts the days between.
  arrange() {
    for (const day of this.list.querySelectorAll(".day")) day.remove();
    let before = null;
    for (const item of [...this.list.children]) {
      const m = this.store.messages.get(Number(item.dataset.id));
      const date = new Date(m.date);
      const newDay = !before || new Date(before.m.date).toDateString() !== date.toDateString();
      if (newDay) item.before(el("li.day", {}, el("span", {}, dayLabel(date, new Date(this.store.now())))));
      const joined = before && !newDay && !m.service && !before.m.service && before.m.from === m.from && this.store.authorOf(before.m) === this.store.authorOf(m) && date - new Date(before.m.date) < together;
      item.classList.toggle("first", !joined);
      item.classList.add("last");
      const name = item.querySelector(".sender");
      if (name) name.hidden = joined;
      if (joined) before.item.classList.remove("last");
      before = { m, item };
    }
  }

  redraw() {
    for (const id of this.items.keys()) this.put(this.store.messages.get(id), null, true);
    this.arrange();
    measureFolds(this.list);
    if (this.following) this.jump();
  }

  context(m) {
    if (!this.unfolded.has(m.id)) this.unfolded.set(m.id, new Set());
    return {
      store: this.store,
      me: this.store.me,
      open: this.unfolded.get(m.id),
      now: () => this.store.now(),
      say: (text) => this.actions.say(text),
      copy: (text) => this.actions.copy(text),
      reply: (message) => this.actions.reply(message),
      seek: (id) => this.seek(id),
      busy: (data) => this.pressing.get(m.id)?.has(data) || false,
      press: (button, row, col) => this.press(m.id, button, row, col),
    };
  }

  async press(id, button, row, col) {
    const waiting = this.pressing.get(id) || new Set();
    this.pressing.set(id, waiting.add(button.callback_data));
    this.refresh(id);
    try {
      await this.actions.press(id, button, row, col);
    } finally {
      waiting.delete(button.callback_data);
      this.refresh(id);
    }
  }

  refresh(id) {
    const m = this.store.messages.get(id);
    if (!m || m.deleted || !this.items.has(id)) return;
    this.put(m, m, true);
    this.arrange();
    measureFolds(this.items.get(id));
  }

  seek(id) {
    const item = this.items.get(id);
    if (!item) return;
    item.scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
    item.classList.remove("sought");
    requestAnimationFrame(() => item.classList.add("sought"));
    item.focus({ preventScroll: true });
  }

  jump() {
    this.scroll.scrollTop = this.scroll.scrollHeight;
    this.following = true;
    this.unseen = 0;
    this.count();
  }

  toEnd() {
    this.scroll.scrollTo({ top: this.scroll.scrollHeight, behavior: calm() ? "auto" : "smooth" });
  }

  scrolled() {
    this.following = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < 60;
    if (this.following) this.unseen = 0;
    this.count();
  }

  count() {
    byId("to-end").hidden = this.following;
    byId("unseen").textContent = this.unseen ? String(this.unseen) : "";
  }

  announce(changed) {
    const lines = changed.filter(({ now }) => !now.deleted && (this.store.authorOf(now) !== this.store.me || now.from_bot))
      .map(({ before, now }) => (before ? "Changed: " : straight(now.sender) + ": ") + firstLine(now));
    if (lines.length) byId("announce").textContent = lines.join(". ");
  }
}

function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
