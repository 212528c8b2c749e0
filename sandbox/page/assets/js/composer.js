// Where messages are written: the field, the menu of commands, the quote of what is answered.

import { byId, el, firstLine, hueOf, straight } from "./dom.js";

const limit = 4096; // characters in a message, as the Bot API has it

export class Composer {
  // send(text, replyTo, mentions) resolves to true once the message is out.
  constructor(store, send) {
    this.store = store;
    this.send = send;
    this.input = byId("input");
    this.menu = byId("commands");
    this.answering = null;
    this.selected = 0;
    this.shown = []; // the options of the menu: {label, about, whole: it is typed in full, take()}
    this.named = []; // members whose names were put in for want of a username
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
    const asked = this.answering?.force_reply?.placeholder;
    this.input.placeholder = asked || "Message as " + this.store.member(this.store.me).name;
    if (!this.menu.hidden) this.edited();
  }

  answer(message) {
    this.answering = message;
    this.drawn();
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
    const handle = /(?:^|\s)@(\w*)$/.exec(text.slice(0, this.input.selectionStart));
    if (/^\/[\w@]*$/.test(text)) this.open(text);
    else if (handle) this.openPeople(handle[1]);
    else this.close();
  }

  async submit() {
    const text = this.input.value;
    if (!text.trim() || text.length > limit) return;
    const answering = this.answering;
    const named = this.named.filter((m) => text.includes(m.name));
    this.put("");
    this.answer(null);
    if (await this.send(text, answering?.id, named.map((m) => m.id))) {
      this.named = this.named.filter((m) => !named.includes(m));
    } else {
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

  // open offers the commands that begin with what is typed.
  open(typed) {
    const all = this.store.room.commands[this.store.me] || [];
    const fit = all.filter((c) => ("/" + c.command).startsWith(typed.toLowerCase()));
    if (!fit.length && typed !== "/") return this.close();
    byId("slash").setAttribute("aria-expanded", "true");
    this.list("Commands of the bot", fit.map((c) => ({
      label: "/" + c.command, about: c.description, whole: typed === "/" + c.command, take: () => this.put("/" + c.command + " "),
    })), "The bot has no commands here.");
  }

  // openPeople offers those whose username or name begins with what stands behind an @.
  openPeople(typed) {
    const begins = (word) => word.toLowerCase().startsWith(typed.toLowerCase());
    const fit = this.store.room.members.filter((m) => begins(m.name) || begins(this.store.handleOf(m.id).slice(1)));
    if (!fit.length) return this.close();
    this.list("Members of the group", fit.map((m) => ({
      label: m.name, about: this.store.handleOf(m.id) || m.role, whole: begins(this.store.handleOf(m.id).slice(1)) && typed.length + 1 === this.store.handleOf(m.id).length, take: () => this.mention(m, typed.length + 1),
    })));
  }

  // mention puts a member in the place of what was typed of them: by username, or else by name.
  mention(member, typed) {
    const handle = this.store.handleOf(member.id);
    if (!handle && !this.named.includes(member)) this.named.push(member);
    const at = this.input.selectionStart;
    this.input.setRangeText((handle || member.name) + " ", at - typed, at, "end");
    this.edited();
  }

  list(title, options, none) {
    this.shown = options;
    this.menu.setAttribute("aria-label", title);
    const nodes = options.map((o, i) => el("div.option", { role: "option", id: "option-" + i, onclick: () => this.choose(i) },
      el("b", {}, o.label), el("span", { dir: "auto" }, o.about)));
    this.menu.replaceChildren(...(nodes.length ? nodes : [el("p.none", {}, none)]));
    this.menu.onmousedown = (e) => e.preventDefault(); // keep the focus in the field
    this.menu.hidden = false;
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
    this.shown[i].take();
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
    const whole = open && this.shown[this.selected].whole;
    if (open && !whole) this.choose(this.selected);
    else this.submit();
  }
}
