// Package telegram is a Telegram of your own: a Bot API server on the loopback interface, with the people and groups a bot talks
// to. The demo runs on it without an account, and the tests run against it because it refuses what Telegram refuses.
//
// A [Server] has two sides.
//
// The bot's side is HTTP. Server is an [net/http.Handler] for /bot<TOKEN>/<method> and /file/bot<TOKEN>/<path>, with the
// bodies Telegram takes: multipart, urlencoded, JSON and the query string. Every request is first held against the Bot API's specification
// (botapi-10.3.json, made by tools/botapi.mjs): an unknown method or parameter, a missing one, a value of the wrong type, a button with
// no action or with two, and so on, is answered as Telegram would answer it, and noted in [Server.Violations]. Telegram itself
// ignores parameters it doesn't know; here they are refused, since in a bot they are always a mistake. A test ends by asserting that
// Violations is empty.
//
// The people's side is Go. [Server.AddUser] and [Server.AddGroup] make a cast, [Server.Say], [Server.Edit], [Server.Press] and
// [Server.React] are what people do in a client, [Server.Messages] is what they see, [Server.WaitFor] waits until they
// see it, and [Server.Changes] tells a page that there is something new. [Server.SetMember], [Server.MigrateGroup],
// [Server.DeleteTopic] and [Server.Block] are what administrators and people do to the bot's surroundings.
//
// Between the two lies the queue of updates: long polling and webhooks with Telegram's offsets, conflicts, retries and expiry.
// [Server.Fault] breaks single requests in the ways that real networks and Telegram's own servers do, [Server.Down] all of them,
// [Server.Inject] delivers what no library can read, and [Server.Calls] keeps what was asked and answered.
//
// Where Telegram promises less than it often does, the sandbox does no more than is promised: a bot that is no administrator is told
// of nobody's membership but its own ([Group].ShowsMembers), a mention does not reach it in privacy mode, and a message_thread_id
// is refused outside of forums.
//
// What it does not have it refuses by name, as a violation, so that nothing seems to work here and fails at Telegram: Markdown, reply
// keyboards, quotes, media other than photos and documents, files from the web, channels, inline mode, payments, business
// accounts, ephemeral messages, and method calls in a webhook's answer.
//
// The error texts and the rules behind them are those of Telegram's own open server (github.com/tdlib/telegram-bot-api, version 10.0)
// and of its documentation (core.telegram.org/bots/api). Where Telegram's figure is not public a comment says what was chosen.
//
// Time comes from [Options].Now, so that a test can let a day pass. [New] keeps everything in memory. [Open] also writes every change
// to a file before anybody is told of it, and goes on from that file after a restart, whether it was stopped or killed.
package telegram
