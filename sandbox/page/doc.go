// Package page shows one group of the sandbox Telegram in a browser: the chat of `towline demo`, in which one person plays every
// member of the group and sees the bot answer, cards change and buttons work.
//
// [New] makes an [http.Handler] of a [Chat], which is what the page needs of [towline/sandbox/telegram.Server], and of the people
// between whom one can switch. The handler serves:
//
//   - GET /, the page, and its scripts and styles, all embedded: no build step, no other host, no inline script.
//   - GET /api/events, a stream of server-sent events: first the room, then every message that changed, whole. A client that comes back
//     with Last-Event-ID gets what changed meanwhile; one that comes back to a restarted server is told to start over.
//   - POST /api/say and /api/press, what a member does, and /api/anonymous, which makes a member an anonymous administrator, or no longer.
//   - GET /api/document/{message}, the file of a message.
//
// feed.go turns the chat into numbered changes, events.go streams them, actions.go carries out what members do, guard.go keeps other
// sites away from it all: whoever can reach this handler speaks for every member, so it belongs on a loopback address only.
//
// In assets, main.js puts the page together. What the bot says becomes DOM nodes in richtext.js, from its text and entities; nothing is ever
// parsed as HTML.
package page
