package lint

import (
	"encoding/json"
	"io"
)

// JSONVersion is the version of what WriteJSON writes. Within a version fields are only added.
const JSONVersion = 1

type jsonReport struct {
	Version    int           `json:"version"`
	Tool       string        `json:"tool"`
	Release    string        `json:"tool_version,omitempty"`
	Files      int           `json:"files"`
	Statements int           `json:"statements"`
	Counts     jsonCounts    `json:"counts"`
	Findings   []jsonFinding `json:"findings"`
}

type jsonCounts struct {
	Error   int `json:"error"`
	Warning int `json:"warning"`
	Info    int `json:"info"`
}

type jsonFinding struct {
	Code           string   `json:"code"`
	Name           string   `json:"name"`
	Severity       Severity `json:"severity"`
	File           string   `json:"file"`
	Line           int      `json:"line"`
	Col            int      `json:"column"`
	Offset         int      `json:"offset"`
	StatementIndex int      `json:"statement_index"`
	Statement      string   `json:"statement,omitempty"`
	Table          string   `json:"table,omitempty"`
	Column         string   `json:"column_name,omitempty"`
	Text           string   `json:"text"`
	Advice         string   `json:"advice,omitempty"`
	Rewrite        string   `json:"rewrite,omitempty"`
	Allowed        string   `json:"allowed,omitempty"`
	Fingerprint    string   `json:"fingerprint"`
	Help           string   `json:"help"`
}

// WriteJSON writes a report as one JSON object (docs/lint.md describes it). An error is w's.
func WriteJSON(w io.Writer, r Report, p Printing) error {
	out := jsonReport{
		Version: JSONVersion, Tool: "towline", Release: p.Version, Files: r.Files, Statements: r.Statements,
		Counts:   jsonCounts{Error: r.Count(Error), Warning: r.Count(Warning), Info: r.Count(Info)},
		Findings: []jsonFinding{},
	}
	prints := fingerprints(r.Findings)
	for i, f := range r.Findings {
		if f.Severity == Off {
			continue
		}
		line, col := f.position()
		out.Findings = append(out.Findings, jsonFinding{
			Code: f.Code, Name: f.Name, Severity: f.Severity, File: p.path(f), Line: line, Col: col, Offset: f.Offset,
			StatementIndex: f.Index, Statement: f.Statement, Table: f.Table, Column: f.Column, Text: f.Text, Advice: f.Advice,
			Rewrite: f.Rewrite, Allowed: f.Allowed, Fingerprint: prints[i], Help: p.help(f.Code),
		})
	}
	return writeJSON(w, out)
}

func writeJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(value)
}
