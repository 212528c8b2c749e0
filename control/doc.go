// Package control is how the command line talks to a running bot: HTTP with JSON over a unix socket beside the store. It
// works when Telegram is down, since nothing in it needs Telegram.
//
// Bottom up: socket.go puts the socket where it belongs, so that nobody but its owner can open it at any moment, and a
// live one is never replaced. peer.go says who is at the other end. server.go is the bot's side and routes.go what it answers;
// client.go is the command line's side. Both sides meet in Desk (desk.go), which a running bot answers over the socket
// and a command without one answers itself, so that a command is the same code either way.
//
// claim.go is the other thing that processes on one machine say to each other: one bot at a time. Whoever comes second is
// told which process has it.
package control
