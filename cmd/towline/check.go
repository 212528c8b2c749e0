package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"towline/bot"
	"towline/cloudflare"
	"towline/config"
	"towline/deploy"
	"towline/migrations"
	"towline/migrations/layout"
	"towline/source"
)

func checkCommand() subcommand {
	return subcommand{
		name: "check", args: "-config config.yaml", does: "Say what is right and wrong with the config, the bot, the databases and the sources.",
		flags: func(f *flag.FlagSet) func(context.Context, program, []string) error {
			path := f.String("config", "config.yaml", "the config file")
			effective := f.Bool("effective", false, "print the config as it is understood, secrets hidden")
			return func(ctx context.Context, p program, args []string) error {
				if err := onlyFlags(args); err != nil {
					return err
				}
				return check(ctx, p, *path, *effective)
			}
		},
	}
}

// checkTimeout bounds everything that check asks outside.
const checkTimeout = 90 * time.Second

// verdicts prints one line for each thing checked and remembers the worst.
type verdicts struct {
	w       io.Writer
	path    string // of the config
	wrong   int
	unknown int
	later   int // shows only when something is done for the first time
}

func (v *verdicts) section(name string) { fmt.Fprintf(v.w, "%s\n", name) }

func (v *verdicts) right(format string, args ...any) {
	fmt.Fprintf(v.w, "  ok       "+format+"\n", args...)
}

func (v *verdicts) note(format string, args ...any) {
	fmt.Fprintf(v.w, "  note     "+format+"\n", args...)
}

// shows is something that only the first release will show.
func (v *verdicts) shows(format string, args ...any) {
	v.later++
	v.note(format, args...)
}

// bad is something wrong, with what to do about it.
func (v *verdicts) bad(fix, format string, args ...any) {
	v.wrong++
	fmt.Fprintf(v.w, "  wrong    "+format+"\n           fix: %s\n", append(args, fix)...)
}

// open is something that could not be found out.
func (v *verdicts) open(fix, format string, args ...any) {
	v.unknown++
	fmt.Fprintf(v.w, "  unknown  "+format+"\n           try: %s\n", append(args, fix)...)
}

func (v *verdicts) end() error {
	switch {
	case v.wrong > 0:
		fmt.Fprintf(v.w, "\n%d wrong, %d unknown.\n", v.wrong, v.unknown)
		return &exitError{code: exitRefused}
	case v.unknown > 0:
		fmt.Fprintf(v.w, "\nNothing wrong, %d could not be found out.\n", v.unknown)
		return &exitError{code: exitUnknown}
	}
	if v.later > 0 {
		fmt.Fprintf(v.w, "\nNothing wrong; %s with the first release. Start with: towline serve -config %s\n", number(v.later, "thing shows", "things show"), v.path)
		return nil
	}
	fmt.Fprintf(v.w, "\nEverything is right. Start with: towline serve -config %s\n", v.path)
	return nil
}

func check(ctx context.Context, p program, path string, effective bool) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	v := &verdicts{w: p.stdout, path: path}
	v.section("config")
	c, warnings, err := config.Load(path, p.getenv)
	if err != nil {
		fmt.Fprintln(p.stdout, indent(err.Error()))
		v.wrong++
		return v.end()
	}
	for _, w := range warnings {
		v.note("%v", w)
	}
	v.right("%s: %s, %s", path, number(len(c.People), "person", "people"), number(len(c.Projects), "project", "projects"))
	if effective {
		fmt.Fprintln(p.stdout, indent(c.Effective()))
	}
	checkBackups(v, c)
	checkTelegram(ctx, v, c)
	d1, err := databasesOf(c, nil)
	if err != nil {
		v.section("cloudflare")
		v.bad("correct the cloudflare keys", "%v", err)
		return v.end()
	}
	usable := checkToken(ctx, v, c, d1)
	for _, project := range c.Projects {
		v.section("project " + project.Name)
		if usable {
			checkDatabase(ctx, v, d1, "preview", project.Preview.Database)
			checkDatabase(ctx, v, d1, "production", project.Production.Database)
		}
		checkSource(ctx, v, c, project, p.getenv)
	}
	return v.end()
}

func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n  ")
}

func checkTelegram(ctx context.Context, v *verdicts, c *config.Config) {
	v.section("telegram")
	b, err := bot.New(botOptions(c), nil, nil)
	if err != nil {
		v.bad("correct the telegram keys", "%v", err)
		return
	}
	var chats []int64
	for _, p := range c.Projects {
		chats = append(chats, p.Place.Chat)
	}
	info, err := b.Info(ctx, chats...)
	switch {
	case errors.Is(err, bot.ErrUnauthorized):
		v.bad("copy the token again from @BotFather into telegram.token", "Telegram does not know this bot token")
		return
	case err != nil:
		v.open("check the network and telegram.api_url, then run check again", "Telegram did not answer: %v", err)
		return
	}
	v.right("bot @%s (id %d)", info.Username, info.ID)
	for i, chat := range info.Chats {
		checkChat(v, c.Projects[i], chat, info)
	}
}

func checkChat(v *verdicts, p config.Project, chat bot.ChatInfo, info bot.Info) {
	switch {
	case errors.Is(chat.Err, bot.ErrUnavailable):
		v.open("run check again", "%s: chat %d could not be asked about: %v", p.Name, chat.Chat, chat.Err)
		return
	case chat.Err != nil || chat.Status == "left" || chat.Status == "kicked":
		v.bad(fmt.Sprintf("add @%s to the group; /whoami, sent there by one of people:, says the id that the config takes", info.Username),
			"%s: the bot is not in chat %d", p.Name, chat.Chat)
		return
	}
	v.right("%s: chat “%s” (%d), the bot is %s", p.Name, chat.Title, chat.Chat, chat.Status)
	if chat.MigratedTo != 0 {
		v.bad(fmt.Sprintf("write chat: %d", chat.MigratedTo), "%s: the group became a supergroup with another id", p.Name)
	}
	if chat.Status == "administrator" {
		return
	}
	also := ""
	if !info.ReadsAll {
		also = "; and privacy mode is on, so a plain /deploy may never reach it"
	}
	v.bad("make the bot an administrator of the group; it needs no right in particular",
		"%s: the bot is no administrator: Telegram does not tell it who is in the chat (Bot API, getChatMember), so it takes nobody's approval%s", p.Name, also)
}

func checkToken(ctx context.Context, v *verdicts, c *config.Config, d1 *cloudflare.D1) (usable bool) {
	v.section("cloudflare")
	t, err := d1.Verify(ctx)
	if _, rejected := errors.AsType[*deploy.RejectedError](err); rejected {
		v.bad("make a new API token with Account > D1 > Edit and put it into cloudflare.api_token", "Cloudflare does not accept the API token: %v", err)
		return false
	}
	if err != nil {
		v.open("check the network and cloudflare.api_url, then run check again", "Cloudflare did not answer: %v", err)
		return false
	}
	if t.Status != "active" {
		v.bad("make a new API token, or enable this one", "the API token is %s", t.Status)
		return false
	}
	v.right("the API token is active%s", expiry(t.Expires))
	checkAnalytics(ctx, v, c, d1)
	return true
}

func expiry(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return ", until " + t.UTC().Format(time.DateOnly)
}

func checkDatabase(ctx context.Context, v *verdicts, d1 *cloudflare.D1, env, name string) {
	db, err := d1.Find(ctx, name)
	if errors.Is(err, deploy.ErrNoDatabase) {
		v.note("%s database %s does not exist yet; the first release makes it", env, name)
	} else if err == nil {
		v.right("%s database %s (%s)", env, name, db.ID)
	}
	for _, perm := range d1.Permissions(ctx, db.ID) {
		switch perm.Held {
		case cloudflare.HeldYes:
			v.right("%s: the token has %s", env, perm.Name)
		case cloudflare.HeldNo:
			v.bad("add the permission "+perm.Name+" to the API token", "%s: the token lacks %s, needed to %s", env, perm.Name, perm.For)
		default:
			if db.ID == "" && err != nil && errors.Is(err, deploy.ErrNoDatabase) {
				v.shows("%s: whether the token has %s shows with the first release: %v", env, perm.Name, perm.Err)
				continue
			}
			v.open("run check again", "%s: whether the token has %s could not be found out: %v", env, perm.Name, perm.Err)
		}
	}
}

func checkSource(ctx context.Context, v *verdicts, c *config.Config, p config.Project, getenv func(string) string) {
	s, err := sourceOf(c, p, getenv).Fetch(ctx, "")
	if errors.Is(err, source.ErrUnreachable) && p.Source.Git != "" {
		v.open("check the network and projects.source, then run check again", "source: %v", err)
		return
	}
	if err != nil {
		v.bad("correct projects.source, or what it points to, as the message says; then run check again", "source: %v", err)
		return
	}
	what := s.Ref
	if what == "" {
		what = "the folder as it is"
	}
	if s.Commit != "" {
		what += " at " + s.Commit[:min(7, len(s.Commit))]
	}
	content, err := migrationsOf(s.FS, p)
	if err != nil {
		v.bad("correct projects.migrations, wrangler's config, or the files", "source: %s: %v", what, err)
		return
	}
	for _, problem := range content.Problems {
		v.note("source: %s: %s", problem.File, problem.Text)
	}
	for _, f := range content.Files {
		if _, err := migrations.Split(f.Name, f.SQL); err != nil {
			v.bad("repair the file", "migration: %v", err)
		}
	}
	v.right("source: %s, %s in %s (%s), ledger %s", what, number(len(content.Files), "migration", "migrations"), content.Layout.Dir, content.Layout.Kind, content.Layout.Table)
	checkSeed(v, s.FS, p.Preview.Seed)
}

// migrationsOf reads a project's migrations as a deploy would.
func migrationsOf(fsys fs.FS, p config.Project) (layout.Content, error) {
	l, err := layout.Find(fsys, layout.Options{Dir: p.Migrations, Table: p.MigrationsTable, Databases: []string{p.Production.Database, p.Preview.Database}})
	if err != nil {
		return layout.Content{}, err
	}
	content, err := layout.Read(fsys, l)
	if err != nil {
		return content, err
	}
	return content, content.Err()
}

// checkSeed reads the seed as a reset of preview would. A ref may lack it: preview is then rebuilt without.
func checkSeed(v *verdicts, files fs.FS, seed string) {
	if seed == "" {
		return
	}
	sql, err := fs.ReadFile(files, path.Clean(seed))
	if errors.Is(err, fs.ErrNotExist) {
		v.note("seed: there is no %s; /preview reset rebuilds preview without it", seed)
		return
	}
	if err == nil {
		_, err = migrations.Split(seed, sql)
	}
	if err != nil {
		v.bad("correct preview.seed, or the file", "seed: %v", err)
		return
	}
	v.right("seed: %s", seed)
}
