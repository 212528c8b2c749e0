package cards

import (
	"fmt"
	"strconv"
	"strings"

	"towline/deploy/release"
)

// said is a refusal in words: what, the facts, and one next step.
type said struct {
	what    string
	facts   []string
	advice  string // where things stand now
	next    string
	buttons [][]Button
}

// into writes it on a card or a reply: facts before advice, the next step last.
func (s said) into(l *lines) {
	l.add(s.what)
	l.spare(s.facts...)
	l.add(s.advice)
	l.add(s.next)
}

// Refusal is a short reply that says why not.
func Refusal(r *release.Refusal, project string) Card {
	s := refusal(*r, release.Run{Project: project, Environment: release.Production})
	s.what = "⛔ " + s.what
	var l lines
	s.into(&l)
	l.addf("code: <code>%s</code>", r.Code)
	if digest := r.Facts["report"]; digest != "" {
		s.buttons = append(s.buttons, []Button{{Text: "Report", Action: Do(RefusedReport, project, r.Facts["release"], digest)}})
	}
	return Card{HTML: l.String(), Buttons: s.buttons}
}

// RefusalToast is the same for a press: private, plain, at most 200 characters.
func RefusalToast(r *release.Refusal) string {
	s := refusal(*r, release.Run{})
	text := sentence(plain(s.what))
	if step := plain(s.next); step != "" && units(text)+units(step) < toastLimit-40 {
		text += " " + step
	}
	return cut(text, toastLimit-units(string(r.Code))-3) + " (" + string(r.Code) + ")"
}

// sentence ends a text that a list or a statement would have followed.
func sentence(s string) string {
	s = strings.TrimRight(s, ": ")
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".)?") {
		return s
	}
	return s + "."
}

// plain drops the markup that this package made.
func plain(s string) string {
	var b strings.Builder
	tag := false
	for _, r := range s {
		switch {
		case r == '<':
			tag = true
		case r == '>':
			tag = false
		case !tag:
			b.WriteRune(r)
		}
	}
	return unescape(b.String())
}

// NoMembership says why nobody knows who is in a chat.
func NoMembership(admin bool) string {
	if admin {
		return "Telegram tells who is in the chat only to administrators: make the bot one"
	}
	return "Telegram did not say whether you are in the chat"
}

// refusal finds the words for a code. Every code has some; a test holds the list.
func refusal(r release.Refusal, run release.Run) said {
	f := func(key string) string { return name(r.Facts[key]) }
	if s, ok := aboutPeople(r, f); ok {
		return s
	}
	if s, ok := aboutLending(r, f); ok {
		return s
	}
	if s, ok := aboutDecision(r, f); ok {
		return s
	}
	if s, ok := aboutKeeps(r, run, f); ok {
		return s
	}
	if s, ok := aboutWays(r, f); ok {
		return s
	}
	if s, ok := aboutBaseline(r, run, f); ok {
		return s
	}
	if s, ok := aboutPreviews(r, f); ok {
		return s
	}
	if s, ok := aboutProduction(r, f); ok {
		return s
	}
	if s, ok := aboutRequest(r, run, f); ok {
		return s
	}
	if s, ok := aboutIndexes(r, f); ok {
		return s
	}
	if s, ok := aboutBackfills(r, f); ok {
		return s
	}
	if s, ok := aboutContent(r, run, f); ok {
		return s
	}
	return said{what: "Refused.", facts: []string{f("problem")}}
}

// aboutPeople: who may.
func aboutPeople(r release.Refusal, f func(string) string) (said, bool) {
	switch r.Code {
	case release.CodeUnknownPerson:
		return said{what: "You are not on this team's list.", next: "An admin can add you to the config with the id " + orElse(f("id"), "that /whoami shows") + "."}, true
	case release.CodeNotAllowed:
		return said{what: fmt.Sprintf("Your role is %s; this takes %s.", f("role"), f("needs")), next: "Ask somebody who has it."}, true
	case release.CodeOwnApproval:
		return said{what: "Your own request needs somebody else's yes.", next: "You can withdraw it with Reject."}, true
	case release.CodeAlreadyVoted:
		return said{what: "Your vote is already counted. One person has one."}, true
	case release.CodeIrregular:
		return said{what: fmt.Sprintf("A command that was %s is not carried out.", f("how")), next: "Type it yourself, as a new message."}, true
	case release.CodeCommandExpired:
		return said{what: fmt.Sprintf("This command is %s old and was not carried out.", aged(f("age"))), next: "Send it again, or press Run now."}, true
	}
	return said{}, false
}

// aboutRequest: the request and its moment.
func aboutRequest(r release.Refusal, run release.Run, f func(string) string) (said, bool) {
	switch r.Code {
	case release.CodeAlreadyDone:
		by := ""
		if f("by") != "" {
			by = " Approved by " + f("by") + "."
		}
		return said{what: "This is already decided: " + orElse(f("phase"), "done") + "." + by, next: "Look at the newest card."}, true
	case release.CodeExpired:
		return said{what: "This request has expired.", next: "Ask again with the same command."}, true
	case release.CodeSuperseded:
		return said{what: "A newer request took this one's place.", next: "Look for the newer card."}, true
	case release.CodeDigestMismatch:
		return said{what: "The plan changed since this button was shown.", next: "Read the card again and press its new button."}, true
	case release.CodeStaleButton:
		return said{what: "This button belongs to an older state of the card.", next: "Use the newest message."}, true
	case release.CodeRefNotAllowed:
		return said{
			what: fmt.Sprintf("Only %s may go to production; this release came from %s.", f("allowed"), orElse(f("ref"), "no ref")),
			next: "Merge it, then /deploy from an allowed ref.",
		}, true
	case release.CodeNotOnPreview:
		return said{what: notOnPreview(f("release"), f("preview")), next: "Put it there first with /deploy."}, true
	case release.CodeWouldUndo:
		return wouldUndo(r, f), true
	case release.CodeNeedsReason:
		s := said{what: "A reason is needed; it goes into the log."}
		if example := exampleOf(r.Facts["command"]); example != "" {
			s.next = "For example: " + command(example)
		}
		return s, true
	case release.CodeAlreadyLive:
		return said{what: fmt.Sprintf("#%s is already live there. Nothing to do.", f("release"))}, true
	}
	return aboutDestination(r, run, f)
}

func wouldUndo(r release.Refusal, f func(string) string) said {
	s := said{what: fmt.Sprintf("This would undo #%s, which is live: #%s is older.", f("live"), f("release")), next: "To go back, use /rollback."}
	if len(r.Items) > 0 {
		s.what = fmt.Sprintf("This would undo #%s, which is live: #%s lacks what that one applied:", f("live"), f("release"))
		s.facts = listed(r.Items, 6, code)
		s.next = "Bring the files back and deploy again, or use /rollback to go back."
	}
	return s
}

func notOnPreview(number, preview string) string {
	switch {
	case number == "0":
		return "Nothing is live on preview yet, so there is nothing to promote."
	case preview == "0":
		return fmt.Sprintf("#%s is not live on preview.", number)
	default:
		return fmt.Sprintf("#%s is not live on preview; #%s is.", number, preview)
	}
}

// aboutLost: the database in which the restore points lead back is not there any more.
func aboutLost(r release.Refusal, f func(string) string) (said, bool) {
	database, project := orElse(r.Facts["database"], "NAME"), orElse(f("project"), "project")
	restore := command(fmt.Sprintf("towline backups restore -to %[1]s -production %[1]s ID", database))
	switch r.Facts["problem"] {
	case "database_gone":
		return said{
			what:  fmt.Sprintf("The database %s is not there any more, and its restore points went with it.", code(database)),
			facts: []string{"The newest backup makes it anew, on the bot's machine while the bot is stopped: " + restore, "A Worker knows it by its id, which is a new one then: " + command("wrangler d1 info "+database) + ", for database_id in wrangler's config."},
			next:  fmt.Sprintf("See <code>/backups %s</code> for what was saved of it.", project),
		}, true
	case "another_database":
		return said{
			what:  fmt.Sprintf("%s is another database than the one that the releases went to: their restore points do not lead back in it.", code(database)),
			facts: []string{"If this one is meant, adopt it: the message about the change has the button.", "If not, the newest backup puts back what was saved, on the bot's machine while the bot is stopped: " + restore + ". It says first what it overwrites."},
			next:  fmt.Sprintf("See <code>/backups %s</code> for what was saved of the one before.", project),
		}, true
	}
	return said{}, false
}

// aboutDestination: where to go, or to go back to.
func aboutDestination(r release.Refusal, run release.Run, f func(string) string) (said, bool) {
	switch r.Code {
	case release.CodeUnknownRelease:
		if r.Facts["environment"] != "" {
			return said{what: fmt.Sprintf("#%s was never live on %s.", f("release"), f("environment")), next: "See /releases."}, true
		}
		return said{what: fmt.Sprintf("There is no release #%s.", f("release")), next: "See /releases."}, true
	case release.CodeNothingBefore:
		s := said{what: "No release of Towline's was live before this one, so there is none to go back to."}
		if c := r.Facts["command"]; c != "" {
			s.facts = []string{"The restore point taken before the first one:", command(c)}
		}
		return s, true
	case release.CodePointExpired:
		return said{
			what: fmt.Sprintf("The restore point is older than the %s days that Time Travel keeps.", orElse(f("days"), "30")),
			next: "Write a migration that takes the change back, and deploy it.",
		}, true
	case release.CodePointMissing:
		if lost, ok := aboutLost(r, f); ok {
			return lost, true
		}
		return said{what: "There is no restore point that leads back there.", next: "Write a migration that takes the change back, and deploy it."}, true
	case release.CodeUnknownProject:
		return said{what: fmt.Sprintf("No project is called %s here.", orElse(f("project"), "that")), facts: listed(r.Items, 10, code), next: "Name one that this chat has."}, true
	case release.CodeWrongChat:
		if f("project") == "" {
			return said{what: "No project is talked about in this chat or topic.", next: "/whoami shows the ids that a project's chat: takes in the config."}, true
		}
		return said{what: fmt.Sprintf("%s is talked about in another chat or topic.", f("project")), next: "Ask there."}, true
	case release.CodeUnsettled:
		return said{
			what: fmt.Sprintf("An earlier run on %s ended unknown, and a person must look first.", orElse(string(run.Environment), "this environment")),
			next: "Its card has the buttons to settle it.",
		}, true
	case release.CodeUsage:
		if len(r.Items) > 0 {
			return said{what: "Which project is meant? This chat has:", facts: listed(r.Items, 10, code), next: command(r.Facts["usage"])}, true
		}
		return said{what: "That is not how this command goes.", next: command(r.Facts["usage"])}, true
	}
	return said{}, false
}

// aboutContent: the release, the database and what the rehearsal found.
func aboutContent(r release.Refusal, run release.Run, f func(string) string) (said, bool) {
	switch r.Code {
	case release.CodeSource:
		return said{what: "The source could not be read:", facts: []string{quote(r.Facts["problem"])}, next: "Repair it, or name another ref, and send the command again."}, true
	case release.CodeBadMigration:
		where := "A migration cannot be read"
		if f("file") != "" {
			where = fmt.Sprintf("%s line %s", code(r.Facts["file"]), f("line"))
		}
		return said{what: where + ": " + flat(r.Facts["problem"], 300) + ".", advice: "Nothing was changed.", next: "Repair the file and deploy again."}, true
	case release.CodeEdited:
		return said{
			what: fmt.Sprintf("Applied on %s, and edited since:", f("environment")), facts: listed(r.Items, 8, code),
			next: afterMismatch(run, "Put the file back as it was, and make the change in a new migration."), buttons: resetButton(run),
		}, true
	case release.CodeMissing:
		return said{
			what: fmt.Sprintf("Applied on %s, and not in this release under that name:", f("environment")), facts: listed(r.Items, 8, code),
			next: afterMismatch(run, "Bring the files back under their names; what is applied cannot be renamed or removed."), buttons: resetButton(run),
		}, true
	case release.CodeRehearsalFailed:
		return rehearsalFailed(r, run, f), true
	case release.CodeWouldLoseRows:
		return said{
			what: fmt.Sprintf("%s line %s drops or rebuilds %s, and rows of %s would silently go with it (%s).",
				code(r.Facts["file"]), f("line"), code(r.Facts["by"]), code(r.Facts["table"]), f("kind")),
			facts:  []string{sql(r.Facts["statement"], 400)},
			advice: "D1 would not say a word. " + untouched(run),
			next: fmt.Sprintf("Let <code>towline rebuild %s</code> write the migration: it guards the children's rows and undoes everything if one is missing. "+
				"Where they are meant to go, say so before the statement: <code>-- towline:allow D1-FK01 reason=\"…\"</code>.", flat(r.Facts["by"], 64)),
		}, true
	case release.CodeLint:
		return linted(r, f), true
	case release.CodeFactsMissing:
		if r.Facts["what"] == "membership" { // to be read on a phone, in ten seconds
			return said{what: "Not counted. " + flat(r.Facts["problem"], 120) + ".", next: "Then press again."}, true
		}
		return said{what: "What this depends on could not be read, and that counts as no:", facts: []string{quote(r.Facts["problem"])}, next: "Try again; towline check says what is wrong."}, true
	case release.CodeFactsOld:
		return said{what: "Reading the database and rehearsing took too long to rely on.", next: "Try again."}, true
	}
	return said{}, false
}

// linted says which findings keep a release from production: the first with the safe way, the others by name.
func linted(r release.Refusal, f func(string) string) said {
	where := code(r.Facts["file"])
	if f("line") != "0" {
		where += " line " + f("line")
	}
	s := said{
		what:  fmt.Sprintf("%s keeps this from production: %s (<code>%s</code>). %s", where, f("name"), f("rule"), flat(r.Facts["text"], 400)),
		facts: listed(r.Items[min(1, len(r.Items)):], 5, func(item string) string { return flat(item, 160) }),
		next:  flat(r.Facts["advice"], 300),
	}
	if r.Facts["rewrite"] != "" {
		s.advice = "The safe way:\n<blockquote expandable>" + sql(r.Facts["rewrite"], inlineSQL) + "</blockquote>"
	}
	if s.next != "" {
		s.next += " "
	}
	s.next += fmt.Sprintf("Where it is meant, say so before the statement: <code>-- towline:allow %s reason=\"…\"</code>, and deploy again.", f("rule"))
	return s
}

func rehearsalFailed(r release.Refusal, run release.Run, f func(string) string) said {
	s := said{what: "The rehearsal failed: " + flat(r.Facts["words"], 300)}
	if f("file") != "" {
		s.what = fmt.Sprintf("%s line %s: %s", code(r.Facts["file"]), f("line"), flat(r.Facts["words"], 300))
	}
	if r.Facts["statement"] != "" {
		s.facts = []string{sql(r.Facts["statement"], 500)}
	}
	s.advice = "Found by a rehearsal on a copy of the schema. " + untouched(run)
	s.next = "Repair the file and deploy again; it becomes a new release."
	return s
}

func untouched(run release.Run) string {
	if run.Environment == release.Preview {
		return "Neither preview nor production was touched."
	}
	return "The database was not touched."
}

func afterMismatch(run release.Run, production string) string {
	if run.Environment == release.Preview {
		return "Preview is shared by branches. Rebuild it from production's schema for this ref, or deploy a ref that has these files."
	}
	return production
}

func resetButton(run release.Run) [][]Button {
	if run.Environment != release.Preview || run.Kind == release.Reset {
		return nil
	}
	return [][]Button{{{Text: "Rebuild preview for this ref", Action: Do(Reset, run.Project, run.Ref), Style: Danger}}}
}

// Decided is the toast for a vote that counted.
func Decided(run release.Run, yes bool) string {
	switch {
	case !yes && withdrawn(run):
		return "Withdrawn. Nothing was changed."
	case !yes:
		return "Rejected. Nothing was changed."
	case run.Phase == release.Asking:
		return "Recorded, " + strconv.Itoa(len(run.Approvers())) + " of " + strconv.Itoa(run.Required) + "."
	case run.Breaking != nil:
		return "Confirmed. It is checked once more and starts; everybody is told."
	default:
		return "Approved. It is checked once more and starts."
	}
}
