// The tour: steps given by the demo, each of which says something as a member, or points at the button to press.

import { byId, el, icon } from "./dom.js";

export class Tour {
  // actions: {say(text): Promise<boolean>, focus(node)}.
  constructor(store, actions) {
    this.store = store;
    this.actions = actions;
    this.at = 0;
    this.pointing = false;
    this.box = byId("tour");
    store.on("room", () => { this.load(); this.draw(); });
    store.on("messages", ({ reset }) => {
      if (!reset) return this.point();
      this.load();
      this.draw();
    });
    store.on("me", () => this.draw());
    // Another tab went on with it.
    addEventListener("storage", () => { this.load(); this.draw(); });
  }

  get steps() { return this.store.room.tour; }
  get key() { return "towline.tour." + this.store.room.epoch; }

  load() {
    const kept = localStorage.getItem(this.key);
    this.at = kept === null ? this.reached() : Number(kept) || 0;
    this.hidden = localStorage.getItem("towline.tour.hidden") === "1";
  }

  // reached is how far the chat has come, for a browser that has not seen it: behind the last step that somebody said.
  reached() {
    let at = 0;
    for (const m of [...this.store.messages.values()].sort((a, b) => a.id - b.id)) {
      const said = this.steps.findIndex((s, i) => i >= at && s.say && s.say === m.text?.trim() && (!s.as || s.as === this.store.authorOf(m)));
      if (said >= 0 && !m.deleted) at = said + 1;
    }
    return at;
  }

  go(at) {
    this.at = at;
    this.pointing = false;
    localStorage.setItem(this.key, String(at));
    this.draw();
  }

  hide(hidden) {
    this.hidden = hidden;
    localStorage.setItem("towline.tour.hidden", hidden ? "1" : "0");
    this.draw();
  }

  // stages are the steps by title: a step without one goes on with the stage before it.
  get stages() {
    const all = [];
    this.steps.forEach((s, i) => {
      if (s.title || !all.length) all.push({ title: s.title, from: i });
      all.at(-1).to = i + 1;
    });
    return all;
  }

  // said and pressed go on where the user does by hand what the step wants.
  said(as, text) {
    const step = this.steps[this.at];
    if (step?.say && text.trim() === step.say && (!step.as || step.as === as)) this.go(this.at + 1);
  }

  pressed(as, label) {
    const step = this.steps[this.at];
    if (step?.press && label.startsWith(step.press) && (!step.as || step.as === as)) this.go(this.at + 1);
  }

  async start(step) {
    this.pointing = Boolean(step.press);
    if (step.as) this.store.become(step.as);
    if (step.say) await this.actions.say(step.say);
    else if (step.press) {
      this.draw();
      const key = this.box.ownerDocument.querySelector(".key.pointed");
      if (key) this.actions.focus(key);
    } else this.go(this.at + 1);
  }

  draw() {
    this.box.hidden = this.steps.length === 0;
    byId("empty-tour").hidden = this.hidden || this.box.hidden;
    byId("empty-plain").hidden = !byId("empty-tour").hidden;
    this.box.classList.toggle("folded", this.hidden);
    if (this.hidden) {
      this.box.replaceChildren(el("button.tour-back", { onclick: () => this.hide(false) }, "Show the tour"));
      return this.point();
    }
    const done = this.at >= this.steps.length;
    const head = el("div.tour-head", {}, el("h2", {}, done ? "You have seen it all" : "Try it, step by step"),
      el("button.plain", { title: "Hide the tour", "aria-label": "Hide the tour", onclick: () => this.hide(true) }, icon("close")));
    const list = el("ol", {}, ...this.stages.map((s, i) => this.stage(s, i)));
    if (done) list.append(this.end());
    const focused = this.box.contains(document.activeElement);
    this.box.replaceChildren(head, list);
    if (focused) this.box.querySelector(".step-go")?.focus();
    this.box.querySelector(".step.now")?.scrollIntoView({ block: "nearest" });
    this.point();
  }

  stage({ title, from, to }, i) {
    const done = this.at >= to;
    const now = !done && this.at >= from;
    const node = el("li.step", now ? { "aria-current": "step" } : {},
      el("span.step-mark", { "aria-hidden": "true" }, done ? icon("check") : String(i + 1)),
      el("button.step-title", { onclick: () => this.go(from) }, title, done && el("span.unseen-text", {}, " (done)")));
    node.classList.toggle("done", done);
    node.classList.toggle("now", now);
    if (now) {
      const step = this.steps[this.at];
      node.append(el("div.step-body", {}, el("p", {}, step.text),
        el("button.step-go", { onclick: () => this.start(step) }, this.words(step)), el("p.step-note", { role: "status" })));
    }
    return node;
  }

  end() {
    const node = el("li.step", {}, el("span.step-mark", { "aria-hidden": "true" }, icon("check")),
      el("span.step-title", {}, "That was the tour. The chat is yours."),
      el("div.step-body", {}, el("p", {}, "Type / to see the commands. The tour begins anew with a new demo: this chat's databases have come too far for it.")));
    node.classList.add("now");
    return node;
  }

  words(s) {
    const name = this.store.member(s.as)?.name;
    if (s.say) return name ? "Send " + s.say + " as " + name : "Send " + s.say;
    if (s.press && this.shows(s)) return "Now press " + s.press + " in the chat";
    if (s.press) return name ? "Be " + name + " and press " + s.press : "Press " + s.press;
    return "Next";
  }

  // shows tells whether the button of a step is pointed at: once that was asked for, and the user is who presses it.
  shows(step) {
    return this.pointing && (!step.as || step.as === this.store.me);
  }

  // point marks the newest button that the step wants pressed, as soon as it is there.
  point() {
    for (const k of document.querySelectorAll(".key.pointed")) k.classList.remove("pointed");
    const step = this.steps[this.at];
    const note = this.box.querySelector(".step-note");
    if (this.hidden || !step?.press || !this.shows(step)) return;
    const keys = [...document.querySelectorAll("#log .key")].filter((k) => k.dataset.label.startsWith(step.press));
    const key = keys.at(-1);
    key?.classList.add("pointed");
    if (note) note.textContent = key ? "" : "The button is not there yet; it comes when the bot is done. Pressed already? Then take the next step.";
  }
}
