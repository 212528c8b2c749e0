package handlers

import (
	"context"
	"strings"

	"towline/cards"
	"towline/deploy/gate"
)

func helpCommand() command {
	return command{
		help: cards.Help{
			Name: "help", Args: "[command]", Does: "What you may do, and how", Role: gate.Viewer.String(),
			Examples: []string{"/help", "/help rollback"},
		},
		needs: gate.Viewer,
		handle: func(_ context.Context, _ *Handlers, a ask) (*cards.Card, error) {
			if len(a.args) > 0 {
				return helpOn(a.args[0]), nil
			}
			var may, others []cards.Help
			for _, c := range commands() {
				if a.by.Role >= c.needs {
					may = append(may, c.help)
				} else {
					others = append(others, c.help)
				}
			}
			card := cards.HelpFor(a.by.Name, a.by.Role.String(), may, others)
			return &card, nil
		},
	}
}

func helpOn(name string) *cards.Card {
	name = strings.ToLower(strings.TrimPrefix(name, "/"))
	for _, c := range commands() {
		if c.help.Name == name {
			card := cards.HelpOn(c.help)
			return &card
		}
	}
	card := cards.UnknownCommand(name, nearest(name))
	return &card
}

// Helps is what every command says of itself, for the docs.
func Helps() []cards.Help {
	var out []cards.Help
	for _, c := range commands() {
		out = append(out, c.help)
	}
	return out
}

// nearest is the command that a mistyped one was probably meant to be, empty if none is near.
func nearest(typed string) string {
	best, distance := "", 3
	for _, c := range commands() {
		if d := edits(typed, c.help.Name); d < distance {
			best, distance = c.help.Name, d
		}
	}
	return best
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
