package cards

import (
	"fmt"
	"strings"

	"towline/deploy"
	"towline/deploy/release"
)

// Noted says what somebody found out about a release.
func Noted(project string, number uint64, text, by string) Card {
	return Card{HTML: fmt.Sprintf("📝 noted: <b>%s</b> #%d, by %s: “%s”. /releases and the weekly report show it.",
		name(project), number, name(by), flat(text, 600))}
}

// remarks are what stays with a release: the gates that were skipped for it, and why it went wrong, or that nobody has said so.
func remarks(l *lines, r deploy.Listed) {
	for _, b := range r.BreakGlass {
		l.add(broken(b))
	}
	for i, n := range r.Notes {
		if i == 3 {
			l.spare(fmt.Sprintf("… and %s more", count(len(r.Notes)-i, "note")))
			break
		}
		l.spare(fmt.Sprintf("📝 %s: %s", name(n.By.Shown()), flat(n.Text, 200)))
	}
	if r.WantsNote {
		l.addf("❔ nobody has said why it went wrong: <code>/note %s #%d text</code>", name(r.Project), r.Number)
	}
}

// broken is the mark that skipped gates leave for ever.
func broken(b release.BreakGlass) string {
	var skipped []string
	for _, c := range b.Codes() {
		skipped = append(skipped, gateName(c))
	}
	line := fmt.Sprintf("🔓 break-glass by %s: “%s”", name(b.By.Shown()), flat(b.Reason, 160))
	if len(skipped) > 0 {
		line += "; skipped " + strings.Join(shorten(skipped, 8, name), ", ")
	}
	return line
}

// gateName is what people call a gate, by the code of its refusal.
func gateName(c release.Code) string {
	switch c {
	case release.CodeHold:
		return "hold"
	case release.CodeLock:
		return "lock"
	case release.CodeFreeze:
		return "freeze"
	case release.CodeApprovals:
		return "approval"
	case release.CodeNotOnPreview:
		return "preview first"
	case release.CodeWouldUndo:
		return "no undoing"
	case release.CodeRefNotAllowed:
		return "production refs"
	default:
		return string(c)
	}
}
