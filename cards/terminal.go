package cards

import "strings"

// InTheChat is what the command line prints of a command whose answer is a card that people act on.
const InTheChat = "Asked for. Its card is in the project's chat."

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
