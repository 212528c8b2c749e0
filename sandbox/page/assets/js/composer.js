// Where messages are written: the field, the menu of commands, the quote of what is answered.

import { byId, el, firstLine, hueOf, straight } from "./dom.js";

const limit = 4096; // characters in a message, as the Bot API has it

export class Composer {
  // send(text, replyTo) resolves to true once the message is out.
  constructor(store, send) {
    this.store = store;
    this.send = send;
    this.input = byId("input");
    this.menu = byId("commands");
    this.answering = null;
    this.selected = 0;
    this.shown = [];
    this.input.addEventListener("input", () => this.edited());
    this.input.addEventListener("keydown", (e) => this.key(e));
    this.input.addEventListener("blur", () => this.close());
    byId("composer").addEventListener("submit", (e) => { e.preventDefault(); this.submit(); });
    byId("slash").addEventListener("mousedown", (e) => e.preventDefault());
    byId("slash").addEventListener("click", () => this.toggle());
    byId("reply-cancel").addEventListener("click", () => this.answer(null));
    store.on("me", () => this.drawn());
    store.on("room", () => this.drawn());
  }

  drawn() {
    this.input.placeholder = "Message as " + this.store.member(this.store.me).name;
    if (!this.menu.hidden) this.edited();
  }

  answer(message) {
    this.answering = message;
    byId("replying").hidden = !message;
    if (message) {
      byId("reply-name").textContent = straight(message.sender);
      byId("reply-text").textContent = firstLine(message);
      byId("replying").firstElementChild.className = "quote " + hueOf(this.store, message.from);
    }
    this.input.focus();
  }

  edited() {
    const text = this.input.value;
    const left = limit - text.length;
    const count = byId("count");
    count.textContent = left < 300 ? String(left) : "";
    count.classList.toggle("over", left < 0);
    byId("send").disabled = !text.trim() || left < 0;
    if (/^\/[\w@]*$/.test(text)) this.open(text);
    else this.close();
  }

  async submit() {
    const text = this.input.value;
    if (!text.trim() || text.length > limit) return;
    const answering = this.answering;
    this.put("");
    this.answer(null);
    if (!(await this.send(text, answering?.id))) {
      if (!this.input.value) this.put(text);
      if (answering) this.answer(answering);
    }
  }

  put(text) {
    this.input.value = text;
    this.edited();
  }

  toggle() {
    this.input.focus();
    if (this.menu.hidden) this.open("/");
    else this.close();
  }

  open(typed) {
    const all = this.store.room.commands[this.store.me] || [];
    this.shown = all.filter((c) => ("/" + c.command).startsWith(typed.toLowerCase()));
    if (!this.shown.length && typed !== "/") return this.close();
    this.selected = 0;
    const options = this.shown.map((c, i) => el("div.option", { role: "option", id: "option-" + i, onclick: () => this.choose(i) },
      el("b", {}, "/" + c.command), el("span", { dir: "auto" }, c.description)));
    this.menu.replaceChildren(...(options.length ? options : [el("p.none", {}, "The bot has no commands here.")]));
    this.menu.onmousedown = (e) => e.preventDefault(); // keep the focus in the field
    this.menu.hidden = false;
    byId("slash").setAttribute("aria-expanded", "true");
    this.select(0);
  }

  close() {
    this.menu.hidden = true;
    byId("slash").setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  select(i) {
    if (!this.shown.length) return;
    this.selected = (i + this.shown.length) % this.shown.length;
    [...this.menu.children].forEach((o, j) => o.setAttribute("aria-selected", String(j === this.selected)));
    this.menu.children[this.selected].scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", "option-" + this.selected);
  }

  choose(i) {
    this.put("/" + this.shown[i].command + " ");
    this.close();
    this.input.focus();
  }

  key(e) {
    if (e.isComposing) return;
    const open = !this.menu.hidden && this.shown.length > 0;
    if (open && (e.key === "ArrowDown" || e.key === "ArrowUp")) {
      e.preventDefault();
      return this.select(this.selected + (e.key === "ArrowDown" ? 1 : -1));
    }
    // Tab completes what has been begun; in an empty field it moves on as everywhere.
    if (open && e.key === "Tab" && !e.shiftKey && this.input.value) {
      e.preventDefault();
      return this.choose(this.selected);
    }
    if (e.key === "Escape") {
      if (!this.menu.hidden) return this.close();
      if (this.answering) this.answer(null);
      return;
    }
    if (e.key !== "Enter" || e.shiftKey) return;
    e.preventDefault();
    const whole = open && this.input.value === "/" + this.shown[this.selected].command;
    if (open && !whole) this.choose(this.selected);
    else this.submit();
  }
}
