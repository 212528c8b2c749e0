package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	bolt "go.etcd.io/bbolt"

	"towline/sandbox/telegram"
	"towline/store"
)

// lineConfig is the stage as a config says it, for commands of a process of their own. Without a bot the source is v1.
const lineConfig = `telegram: {token: "${BOT}", api_url: "${URL}"}
cloudflare: {account_id: "%s", api_token: "${API}", api_url: "${URL}/client/v4"}
store: {path: %s}
people:
  - {id: 1001, name: Dana, role: deployer}
  - {id: 1002, name: Robin, role: approver}
  - {id: 1004, name: Kim, role: approver}
  - {id: 1005, name: Val, role: viewer}
projects:
  - name: shop
    chat: -1001234567890
    source: {dir: app/v1}
    migrations: db/migrations
    preview: {database: shop-preview, seed: db/seed.sql}
    production: {database: shop}
    approvals: {required: 1, expire: 24h}
`

// cmdLine EXIT ARGS...: the program as a process of its own, in the script's folder. What it prints is in the files out and
// err, for grep. EXIT is the exit code that it must have.
func (s *stage) cmdLine(args []string) error {
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	for name, path := range map[string]string{"config.yaml": "towline.db", "elsewhere.yaml": "elsewhere/towline.db"} {
		if err := write(filepath.Join(s.dir, name), fmt.Sprintf(lineConfig, s.cf.account, path)); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args[1:]...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "TOWLINE_TEST_PROGRAM=1", "BOT="+botToken, "API="+s.cf.token, "URL="+s.server.URL, "HOME="+s.dir)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		return err
	}
	for name, b := range map[string]*bytes.Buffer{"out": &out, "err": &errs} {
		if strings.Contains(b.String(), botToken) || strings.Contains(b.String(), s.cf.token) {
			s.t.Errorf("a token is in what towline %v printed", args[1:])
		}
		if err := write(filepath.Join(s.dir, name), b.String()); err != nil {
			return err
		}
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		return fmt.Errorf("exit code %d\nstdout: %s\nstderr: %s", got, out.String(), errs.String())
	}
	return nil
}

// cmdOutage: Telegram does not work at all from now on.
func (s *stage) cmdOutage([]string) error {
	s.up = s.tg.Down(telegram.BadGateway)
	return nil
}

// cmdOver: it works again.
func (s *stage) cmdOver([]string) error {
	s.up()
	return nil
}

// cmdTamper FILE OLD NEW: somebody replaces a text in every record of a store that is an audit entry, behind Towline's back.
// With OLD alone those entries are taken out.
func (s *stage) cmdTamper(args []string) error {
	db, err := bolt.Open(filepath.Join(s.dir, args[0]), 0o600, nil)
	if err != nil {
		return err
	}
	touched := 0
	err = db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte("towline"))
		var keys, values [][]byte
		if err := b.ForEach(func(k, v []byte) error {
			if strings.HasPrefix(string(k), "deploy/audit/") && bytes.Contains(v, []byte(args[1])) {
				keys, values = append(keys, bytes.Clone(k)), append(values, bytes.Clone(v))
			}
			return nil
		}); err != nil {
			return err
		}
		touched = len(keys)
		for i, k := range keys {
			if len(args) == 2 {
				if err := b.Delete(k); err != nil {
					return err
				}
				continue
			}
			if err := b.Put(k, bytes.ReplaceAll(values[i], []byte(args[1]), []byte(args[2]))); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && touched == 0 {
		err = fmt.Errorf("no audit entry has %q", args[1])
	}
	return errors.Join(err, db.Close())
}

// cmdReplace FILE OLD NEW: somebody changes a file.
func (s *stage) cmdReplace(args []string) error {
	path := filepath.Join(s.dir, args[0])
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Contains(text, []byte(args[1])) {
		return fmt.Errorf("%s has no %q", args[0], args[1])
	}
	return os.WriteFile(path, bytes.Replace(text, []byte(args[1]), []byte(args[2]), 1), 0o600)
}

// cmdHeldBy FILE: another process, which is no bot, has the store open until the script ends.
func (s *stage) cmdHeldBy(args []string) error {
	st, err := store.Open(filepath.Join(s.dir, args[0]), store.Options{NoSync: true})
	if err != nil {
		return err
	}
	s.t.Cleanup(func() {
		if err := st.Close(); err != nil {
			s.t.Error(err)
		}
	})
	return nil
}
