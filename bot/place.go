package bot

// Chat is the id that a chat has now: a group that became a supergroup has another one than the config may say.
func (b *Bot) Chat(id int64) int64 { return b.aliases.resolve(id) }
