// Puts the page together.

import * as api from "./api.js";
import { Composer } from "./composer.js";
import { byId } from "./dom.js";
import { Log } from "./log.js";
import { heading, members } from "./members.js";
import { Store } from "./store.js";
import { listen } from "./stream.js";
import { keepTime } from "./times.js";
import { alertBox, copy, toast } from "./toast.js";
import { Tour } from "./tour.js";

const store = new Store();

// say sends a message and tells whether it went out.
async function say(text, replyTo, mentions) {
  const as = store.me;
  try {
    await api.say(as, text, replyTo, mentions);
  } catch (e) {
    toast(e.message, { bad: true });
    return false;
  }
  tour.said(as, text);
  return true;
}

async function press(id, button, row, col) {
  const as = store.me;
  try {
    const answer = await api.press(as, id, row, col, button.callback_data);
    if (!answer.show_alert) tour.pressed(as, button.text); // what has to be read is a refusal
    if (answer.show_alert) alertBox(answer.text);
    else if (answer.text || answer.url) toast(answer.text || "", { url: answer.url });
  } catch (e) {
    toast(e.message, { bad: true });
  }
}

async function hide(id, on) {
  try {
    await api.anonymous(id, on);
  } catch (e) {
    toast(e.message, { bad: true });
  }
}

members(store, hide);
const alive = heading(store);
new Log(store, { say, press, copy, reply: (m) => composer.answer(m) });
const composer = new Composer(store, say);
const tour = new Tour(store, {
  say,
  focus: (key) => {
    // The whole card if it fits, and the button in any case.
    key.closest("li").scrollIntoView({ block: "nearest" });
    key.scrollIntoView({ block: "nearest" });
    key.focus();
  },
});

// As in Telegram, a message that forces a reply opens one, for whom it means.
store.on("messages", ({ reset, changed }) => {
  if (reset) return;
  const asked = changed.findLast(({ before, now }) => !before && !now.deleted && now.force_reply && store.concerns(now, store.me));
  if (asked && !byId("input").value) composer.answer(asked.now);
});
keepTime(() => store.now());
listen({ room: (r) => store.setRoom(r), change: (c) => store.apply(c), alive });
addEventListener("keydown", (e) => {
  const n = Number(e.key);
  if (e.altKey && !e.ctrlKey && !e.metaKey && n >= 1 && n <= store.room.members.length) {
    e.preventDefault();
    store.become(store.room.members[n - 1].id);
  }
});
if (matchMedia("(hover: hover)").matches) byId("input").focus();
