package cards

import "strings"

// InTheChat is what the command line prints of a command whose answer is a card that people act on.
func InTheChat(command string) string {
	switch command {
	case "reject":
		return "The request is over. Its card in the project's chat says so."
	case "promote", "rollback":
		return "Asked for. Its card is in the project's chat, where others approve it."
	case "breakglass":
		return "Asked for. Nothing happens before it is confirmed on its card in the project's chat, within ten minutes."
	default:
		return "Asked for. Its card is in the project's chat."
	}
}

// Text is a card for the terminal: its text without markup, and where it asks something the answers to choose from.
func Text(c Card) string {
	text := strings.TrimSpace(plain(c.HTML))
	if !c.Asks {
		return text
	}
	var b strings.Builder
	b.WriteString(text)
	for _, row := range c.Buttons {
		for _, button := range row {
			b.WriteString("\n  " + button.Text)
		}
	}
	return b.String()
}
