package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	sandboxcloudflare "towline/sandbox/cloudflare"
	"towline/sandbox/cloudflare/wrangler"
	"towline/sandbox/telegram"
)

// cmdDocument NAME WORDS...: the bot has posted a file of that name that has the words.
func (s *stage) cmdDocument(args []string) error {
	return s.tg.WaitFor(s.ctx, teamChat, func(all []telegram.Message) bool {
		return slices.ContainsFunc(s.shown(all), func(m telegram.Message) bool {
			if m.Document == nil || m.Document.Name != args[0] {
				return false
			}
			_, content, _ := s.tg.Document(m.Document.ID)
			return hasAll(string(content), args[1:])
		})
	})
}

// cmdClock +91s: later it is.
func (s *stage) cmdClock(args []string) error {
	d, err := time.ParseDuration(strings.TrimPrefix(args[0], "+"))
	s.skew.Add(int64(d))
	return err
}

// cmdTraffic calm|failing: what the shop's customers have asked for weeks, or what fails from now on.
func (s *stage) cmdTraffic(args []string) error {
	server, ok := s.cf.handler.(*sandboxcloudflare.Server)
	if !ok {
		return fmt.Errorf("only the local Cloudflare has traffic")
	}
	query := sandboxcloudflare.QueryTraffic{SQL: "SELECT id FROM orders WHERE id = ?", PerDay: 90_000, RowsRead: 1, RowsReturned: 1}
	if args[0] == "failing" {
		query = sandboxcloudflare.QueryTraffic{SQL: "SELECT vat FROM orders WHERE id = ?", PerDay: 9000, Failing: 1, Error: "no such column: vat", From: s.now()}
	}
	server.AddTraffic(sandboxcloudflare.Traffic{Databases: []sandboxcloudflare.DatabaseTraffic{{Name: demoProduction, Queries: []sandboxcloudflare.QueryTraffic{query}}}})
	return nil
}

// cmdFault cloudflare [-path P] [-body B] [-times N] [-skip N] lost-before|lost-after|500|500-after|html|hold
// cmdFault telegram [-method M] [-times N] 429|500|502|lost-before|lost-after|kicked
func (s *stage) cmdFault(args []string) error {
	var fault sandboxcloudflare.Fault
	f := flag.NewFlagSet("fault", flag.ContinueOnError)
	f.StringVar(&fault.Path, "path", "", "")
	f.StringVar(&fault.Body, "body", "", "")
	f.BoolVar(&fault.Writes, "writes", false, "")
	method := f.String("method", "", "")
	times := f.Int("times", 1, "")
	skip := f.Int("skip", 0, "")
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	fault.Times, fault.Skip = *times, *skip
	if args[0] == "telegram" {
		kinds := map[string]telegram.FaultKind{"429": telegram.TooManyRequests, "500": telegram.ServerError, "502": telegram.BadGateway,
			"lost-before": telegram.LostBefore, "lost-after": telegram.LostAfter, "kicked": telegram.WasKicked}
		kind, ok := kinds[f.Arg(0)]
		if !ok {
			return fmt.Errorf("no such fault")
		}
		s.tg.Fault(telegram.Fault{Kind: kind, Method: *method, Times: *times, Skip: *skip, RetryAfter: time.Second})
		return nil
	}
	switch f.Arg(0) {
	case "lost-before":
		fault.Reply = sandboxcloudflare.Drop()
	case "lost-after":
		fault.Execute, fault.Reply = true, sandboxcloudflare.Drop()
	case "500":
		fault.Reply = sandboxcloudflare.APIError(500, 7500, "internal error")
	case "500-after":
		fault.Execute, fault.Reply = true, sandboxcloudflare.APIError(500, 7500, "internal error")
	case "html":
		fault.Reply = sandboxcloudflare.HTML(502)
	case "403":
		fault.Reply = sandboxcloudflare.APIError(403, 10000, "Authentication error")
	case "400":
		fault.Reply = sandboxcloudflare.APIError(400, 7500, "D1 says no: SQLITE_ERROR")
	case "long400":
		fault.Reply = sandboxcloudflare.APIError(400, 7500, strings.Repeat("a long reason, ", 80)+"SQLITE_ERROR")
	case "hold":
		holding := make(chan struct{})
		s.holding = holding
		fault.Before = func(ctx context.Context) {
			s.arrived <- struct{}{}
			select {
			case <-holding:
			case <-ctx.Done():
			}
		}
	default:
		return fmt.Errorf("no such fault")
	}
	s.faults.Inject(fault)
	return nil
}

// cmdHeal takes Cloudflare's faults away and lets go of what is held.
func (s *stage) cmdHeal([]string) error {
	if s.holding != nil {
		close(s.holding)
		s.holding = nil
	}
	s.faults.Heal()
	return nil
}

// cmdHeld waits until a call is held.
func (s *stage) cmdHeld([]string) error {
	select {
	case <-s.ctx.Done():
		return s.ctx.Err()
	case <-s.arrived:
		return nil
	}
}

// cmdSent N TEXT: so many calls whose body has that text were carried out.
func (s *stage) cmdSent(args []string) error {
	n := 0
	for _, c := range s.faults.Calls() {
		if c.Executed && strings.Contains(c.Path+" "+c.Body, strings.Join(args[1:], " ")) {
			n++
		}
	}
	if want, err := strconv.Atoi(args[0]); err != nil || n != want {
		return fmt.Errorf("%d calls were carried out", n)
	}
	return nil
}

// cmdSQL DATABASE SQL [WANT]: an administrator at the database itself. WANT is the first row's values.
func (s *stage) cmdSQL(args []string) error {
	rows, err := s.query(args[0], args[1])
	if err != nil || len(args) < 3 {
		return err
	}
	got := ""
	for _, row := range rows {
		got += strings.Join(row, " ") + "\n"
	}
	if strings.TrimSpace(got) != strings.Join(args[2:], "\n") {
		return fmt.Errorf("the answer is %q", got)
	}
	return nil
}

// cmdLedger DATABASE NAMES...: what the database's ledger holds, in order.
func (s *stage) cmdLedger(args []string) error {
	rows, err := s.query(args[0], "SELECT name FROM d1_migrations ORDER BY id")
	if err != nil {
		return err
	}
	var got []string
	for _, row := range rows {
		got = append(got, row[0])
	}
	if !slices.Equal(got, args[1:]) {
		return fmt.Errorf("the ledger holds %q", got)
	}
	return nil
}

// query asks the API behind the faults.
func (s *stage) query(database, sql string) ([][]string, error) {
	id, err := s.find(database)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Success bool
		Errors  []struct{ Message string }
		Result  []struct{ Results struct{ Rows [][]any } }
	}
	if err := s.api(http.MethodPost, "/d1/database/"+id+"/raw", map[string]any{"sql": sql}, &answer); err != nil {
		return nil, err
	}
	if !answer.Success {
		return nil, fmt.Errorf("%v", answer.Errors)
	}
	var out [][]string
	for _, r := range answer.Result[len(answer.Result)-1].Results.Rows {
		var row []string
		for _, v := range r {
			row = append(row, fmt.Sprint(v))
		}
		out = append(out, row)
	}
	return out, nil
}

// find is the id of the database of exactly that name.
func (s *stage) find(database string) (id string, err error) {
	var list struct {
		Result []struct{ UUID, Name string }
	}
	if err := s.api(http.MethodGet, "/d1/database?name="+database, nil, &list); err != nil {
		return "", err
	}
	for _, db := range list.Result {
		if db.Name == database {
			return db.UUID, nil
		}
	}
	return "", fmt.Errorf("there is no database %s", database)
}

func (s *stage) api(method, path string, body, into any) error {
	var r io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		r = bytes.NewReader(text)
	}
	q, err := http.NewRequestWithContext(s.ctx, method, "/client/v4/accounts/"+s.cf.account+path, r)
	if err != nil {
		return err
	}
	q.Header.Set("Authorization", "Bearer "+s.cf.token)
	q.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.cf.handler.ServeHTTP(w, q)
	return json.Unmarshal(w.Body.Bytes(), into)
}

// cmdWranglerList DATABASE REF NAMES...: an unmodified wrangler, with that version's files, holds these for unapplied.
func (s *stage) cmdWranglerList(args []string) error {
	id, err := s.find(args[0])
	if err != nil {
		return err
	}
	server := wrangler.Server{URL: s.server.URL + "/client/v4", AccountID: s.cf.account, Token: s.cf.token}
	files := filepath.Join(s.dir, "app", args[1], "db", "migrations")
	got := wrangler.MigrationsList(s.t, server, args[0], id, files)
	if !slices.Equal(got, args[2:]) {
		return fmt.Errorf("wrangler holds %q for unapplied", got)
	}
	return nil
}

// chat is what a failing script prints: the chat as it is now.
func (s *stage) chat() string {
	var b strings.Builder
	for _, m := range s.tg.Messages(teamChat) {
		fmt.Fprintf(&b, "── %d %s%s\n%s\n", m.ID, m.Sender, map[bool]string{true: " (deleted)"}[m.Deleted], m.Text)
		for _, row := range m.Buttons {
			for _, button := range row {
				fmt.Fprintf(&b, "[%s] ", button.Text)
			}
			b.WriteString("\n")
		}
	}
	fmt.Fprintf(&b, "── the last toast: %q\n", s.toast)
	return b.String()
}
