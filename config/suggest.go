package config

import "strings"

// nearest is the one of known that a misspelt word probably meant, "" where none is near: within a third of its length,
// letters swapped, left out, added or replaced, or the same letters without _ and -.
func nearest(word string, known []string) string {
	if len(word) > 64 {
		return ""
	}
	best, distance := "", 1<<10
	for _, k := range known {
		d := edits(squash(word), squash(k))
		// Of two that are as near, the one that is as long: letters are swapped more often than left out.
		nearer := d < distance || d == distance && len(k) == len(word) && len(best) != len(word)
		if nearer && d <= max(1, len(k)/3) {
			best, distance = k, d
		}
	}
	return best
}

func squash(word string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(word))
}

// edits is the optimal string alignment distance: Levenshtein's, with a swap of neighbours as one edit.
func edits(a, b string) int {
	s, t := []rune(a), []rune(b)
	rows := make([][]int, len(s)+1)
	for i := range rows {
		rows[i] = make([]int, len(t)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(s); i++ {
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(s)][len(t)]
}

// clip shortens a text from the file for a message.
func clip(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		return string(runes[:57]) + "..."
	}
	return text
}
