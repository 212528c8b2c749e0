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
    store.on("messages", () => this.point());
    store.on("me", () => this.point());
    // Another tab went on with it.
    addEventListener("storage", () => { this.load(); this.draw(); });
  }

  get steps() { return this.store.room.tour; }
  get key() { return "towline.tour." + this.store.room.epoch; }

  load() {
    this.at = Number(localStorage.getItem(this.key)) || 0;
    this.hidden = localStorage.getItem("towline.tour.hidden") === "1";
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

  // said and pressed go on where the user does by hand what the step wants.
  said(as, text) {
    const step = this.steps[this.at];
    if (step?.say && text.trim() === step.say && (!step.as || step.as === as)) this.go(this.at + 1);
  }

  pressed(label) {
    const step = this.steps[this.at];
    if (step?.press && label.startsWith(step.press)) this.go(this.at + 1);
  }

  async start(step) {
    if (step.as) this.store.become(step.as);
    if (step.say) await this.actions.say(step.say);
    else if (step.press) {
      this.pointing = true;
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
    const list = el("ol", {}, ...this.steps.map((s, i) => this.step(s, i)));
    if (done) list.append(this.end());
    const focused = this.box.contains(document.activeElement);
    this.box.replaceChildren(head, list);
    if (focused) this.box.querySelector(".step-go")?.focus();
    this.box.querySelector(".step.now")?.scrollIntoView({ block: "nearest" });
    this.point();
  }

  step(s, i) {
    const now = i === this.at;
    const node = el("li.step", now ? { "aria-current": "step" } : {},
      el("span.step-mark", { "aria-hidden": "true" }, i < this.at ? icon("check") : String(i + 1)),
      el("button.step-title", { onclick: () => this.go(i) }, s.title, i < this.at && el("span.unseen-text", {}, " (done)")));
    node.classList.toggle("done", i < this.at);
    node.classList.toggle("now", now);
    if (now) {
      node.append(el("div.step-body", {}, el("p", {}, s.text),
        el("button.step-go", { onclick: () => this.start(s) }, this.words(s)), el("p.step-note", { role: "status" })));
    }
    return node;
  }

  end() {
    const node = el("li.step", {}, el("span.step-mark", { "aria-hidden": "true" }, icon("check")),
      el("span.step-title", {}, "That was the tour. The chat is yours."),
      el("div.step-body", {}, el("button.step-go", { onclick: () => this.go(0) }, "Go through it again")));
    node.classList.add("now");
    return node;
  }

  words(s) {
    const name = this.store.member(s.as)?.name;
    if (s.say) return name ? "Send " + s.say + " as " + name : "Send " + s.say;
    if (s.press) return name ? "Be " + name + " and press " + s.press : "Press " + s.press;
    return "Next";
  }

  // point marks the newest button that the step wants pressed, as soon as it is there.
  point() {
    for (const k of document.querySelectorAll(".key.pointed")) k.classList.remove("pointed");
    const step = this.steps[this.at];
    const note = this.box.querySelector(".step-note");
    if (this.hidden || !step?.press || !this.pointing) return;
    const keys = [...document.querySelectorAll("#log .key")].filter((k) => k.dataset.label.startsWith(step.press));
    const key = keys.at(-1);
    key?.classList.add("pointed");
    if (note) note.textContent = key ? "The button is marked in the chat." : "The button is not there yet: the bot is still at work.";
  }
}
