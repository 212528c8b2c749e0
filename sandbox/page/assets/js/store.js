// What the page knows: the room, the messages, and who the user is at the moment. Views subscribe to it; nothing else is shared.

export class Store {
  constructor() {
    this.room = { epoch: "", title: "", members: [], people: {}, bots: {}, usernames: {}, hidden: {}, commands: {}, tour: [] };
    this.messages = new Map();
    this.typing = "";
    this.skew = 0; // how far the server's clock is ahead of ours, in ms
    this.me = 0;
    this.listeners = new Map();
    addEventListener("hashchange", () => this.become(fromHash()));
  }

  on(name, f) {
    if (!this.listeners.has(name)) this.listeners.set(name, []);
    this.listeners.get(name).push(f);
  }

  tell(name, detail) {
    for (const f of this.listeners.get(name) || []) f(detail);
  }

  setRoom(room) {
    room.tour ||= [];
    this.room = room;
    if (!this.member(this.me)) {
      // The address decides, so that two tabs can be two people; a reload keeps who one was.
      const wanted = [fromHash(), Number(sessionStorage.getItem("as")), room.members[0].id];
      this.me = wanted.find((id) => this.member(id));
      this.remember();
    }
    this.tell("room");
  }

  apply(update) {
    this.skew = Date.parse(update.now) - Date.now();
    if (update.reset) this.messages.clear();
    const changed = [];
    for (const m of update.messages || []) {
      const before = this.messages.get(m.id);
      this.messages.set(m.id, m);
      changed.push({ before, now: m });
    }
    this.tell("messages", { reset: Boolean(update.reset), changed });
    this.typing = update.typing || "";
    this.tell("typing");
  }

  member(id) {
    return this.room.members.find((m) => m.id === id);
  }

  become(id) {
    if (!this.member(id) || id === this.me) return;
    this.me = id;
    this.remember();
    this.tell("me");
  }

  remember() {
    sessionStorage.setItem("as", String(this.me));
    history.replaceState(null, "", "#as=" + this.me);
  }

  nameOf(id) {
    return this.room.people[id] || this.member(id)?.name || "Somebody";
  }

  // handleOf is somebody's @username, or "".
  handleOf(id) {
    const name = this.room.usernames[id] || this.room.bots[id];
    return name ? "@" + name : "";
  }

  // named finds the member with an @username, however it is spelt.
  named(handle) {
    return this.room.members.find((m) => this.handleOf(m.id).toLowerCase() === handle.toLowerCase());
  }

  // authorOf is who wrote a message. Of an anonymous administrator's the bot is told that it was the group; the page knows who plays.
  authorOf(m) {
    return m.author || m.from;
  }

  // concerns tells whether a message that asks for a reply asks this member.
  concerns(m, id) {
    if (!m.force_reply.selective) return true;
    const to = this.messages.get(m.reply_to);
    if (to && this.authorOf(to) === id) return true;
    return (m.entities || []).some((e) => {
      if (e.type === "text_mention") return e.user === id;
      return e.type === "mention" && this.named(m.text.slice(e.offset, e.offset + e.length))?.id === id;
    });
  }

  now() {
    return Date.now() + this.skew;
  }

  // newest goes through the messages that are there, newest first.
  newest(f) {
    return [...this.messages.values()].sort((a, b) => b.id - a.id).find((m) => !m.deleted && f(m));
  }
}

function fromHash() {
  return Number(new URLSearchParams(location.hash.slice(1)).get("as"));
}
