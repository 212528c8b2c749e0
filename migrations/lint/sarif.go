package lint

import (
	"io"
	"net/url"
	"strings"
)

// sarifSchema is the address of the format's schema, as the standard gives it ("Static Analysis Results Interchange Format
// (SARIF) Version 2.1.0 Plus Errata 01", OASIS).
const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// srcRoot is the name by which GitHub code scanning knows the root of the checkout.
const srcRoot = "%SRCROOT%"

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool       sarifTool     `json:"tool"`
	ColumnKind string        `json:"columnKind"`
	Results    []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID            string        `json:"id"`
	Name          string        `json:"name"`
	Short         sarifText     `json:"shortDescription"`
	Full          sarifText     `json:"fullDescription"`
	Help          sarifText     `json:"help"`
	HelpURI       string        `json:"helpUri"`
	Configuration sarifSeverity `json:"defaultConfiguration"`
	Properties    sarifTags     `json:"properties"`
}

type sarifText struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown,omitempty"`
}

type sarifSeverity struct {
	Level string `json:"level"`
}

type sarifTags struct {
	Tags []string `json:"tags"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	RuleIndex    *int               `json:"ruleIndex,omitempty"`
	Level        string             `json:"level"`
	Message      sarifText          `json:"message"`
	Locations    []sarifLocation    `json:"locations"`
	Prints       map[string]string  `json:"partialFingerprints"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
}

type sarifLocation struct {
	Physical sarifPhysical `json:"physicalLocation"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   sarifRegion   `json:"region"`
}

type sarifArtifact struct {
	URI       string `json:"uri"`
	URIBaseID string `json:"uriBaseId"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Justification string `json:"justification"`
}

// WriteSARIF writes a report as SARIF 2.1.0, which GitHub code scanning takes. Paths are relative to %SRCROOT%; a finding that a
// directive allows is suppressed in the source. An error is w's.
func WriteSARIF(w io.Writer, r Report, p Printing) error {
	run := sarifRun{
		Tool: sarifTool{sarifDriver{
			Name: "Towline", Version: p.Version, InformationURI: strings.TrimSuffix(p.help(""), "#"), Rules: []sarifRule{},
		}},
		ColumnKind: "unicodeCodePoints", Results: []sarifResult{},
	}
	index := make(map[string]int)
	for i, rule := range Catalogue() {
		index[rule.Code] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, p.sarifRule(rule))
	}
	prints := fingerprints(r.Findings)
	for i, f := range r.Findings {
		if f.Severity == Off {
			continue
		}
		result := p.sarifResult(f, prints[i])
		if at, ok := index[f.Code]; ok {
			result.RuleIndex = &at
		}
		run.Results = append(run.Results, result)
	}
	return writeJSON(w, sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}})
}

// sarifLevel is the word for a severity.
func sarifLevel(s Severity) string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	case Off:
		return "none"
	}
	return "note"
}

func (p Printing) sarifRule(r Rule) sarifRule {
	help := r.Summary + "\n\n" + r.Why + "\n\n" + r.Do
	markdown := "**" + r.Summary + "**\n\n" + r.Why + "\n\n" + r.Do
	if r.Bad != "" {
		help += "\n\nFinds:\n\n" + r.Bad
		markdown += "\n\nFinds:\n\n```sql\n" + r.Bad + "\n```"
	}
	if r.Good != "" {
		help += "\n\nThe safe way:\n\n" + r.Good
		markdown += "\n\nThe safe way:\n\n```sql\n" + r.Good + "\n```"
	}
	return sarifRule{
		ID: r.Code, Name: r.Name, Short: sarifText{Text: r.Summary}, Full: sarifText{Text: r.Why},
		Help: sarifText{Text: help, Markdown: markdown}, HelpURI: p.help(r.Code),
		Configuration: sarifSeverity{sarifLevel(r.Severity)}, Properties: sarifTags{[]string{"d1", "migrations", r.Group}},
	}
}

func (p Printing) sarifResult(f Finding, fingerprint string) sarifResult {
	line, col := f.position()
	text := f.message()
	if f.Rewrite != "" && f.Allowed == "" {
		text += "\n\nThe safe way, ready to copy:\n\n" + f.Rewrite
	}
	result := sarifResult{
		RuleID: f.Code, Level: sarifLevel(f.Severity), Message: sarifText{Text: text},
		Locations: []sarifLocation{{sarifPhysical{
			Artifact: sarifArtifact{URI: (&url.URL{Path: p.path(f)}).EscapedPath(), URIBaseID: srcRoot},
			Region:   sarifRegion{StartLine: line, StartColumn: col},
		}}},
		Prints: map[string]string{"towlineFinding/v1": fingerprint},
	}
	if f.Allowed != "" {
		result.Suppressions = []sarifSuppression{{Kind: "inSource", Justification: f.Allowed}}
	}
	return result
}
