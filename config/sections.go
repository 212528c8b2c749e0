package config

import (
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// The shapes of values, with where each comes from.
var (
	// botToken: a bot's id, a colon, and its secret (Bot API, "Authorizing your bot").
	botToken = regexp.MustCompile(`^[0-9]+:[A-Za-z0-9_-]+$`)
	// webhookSecret: Bot API, setWebhook, secret_token.
	webhookSecret = regexp.MustCompile(`^[A-Za-z0-9_-]{16,256}$`)
	// headerText: what can be sent in a header.
	headerText  = regexp.MustCompile(`^[!-~]+$`)
	accountID   = regexp.MustCompile(`^[0-9a-f]{32}$`)
	projectName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,38}$`)
	database    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)
	table       = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)
	// username: t.me addresses (Telegram FAQ, "What can I use as my username?").
	username   = regexp.MustCompile(`^[A-Za-z0-9_]{5,32}$`)
	reasonText = regexp.MustCompile(`^[^\p{C}]{1,200}$`)
	printable  = regexp.MustCompile(`^[^\p{C}]{1,64}$`)
	scpAddress = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^:\p{C} -][^:\p{C} ]*$`)
)

func (d *decoder) config(root *yaml.Node) *Config {
	c := &Config{}
	s := d.section(root, "", Config{})
	if s == nil {
		return c
	}
	c.Telegram = d.telegram(s.sub("telegram", Telegram{}, "the bot's token"))
	c.Cloudflare = d.cloudflare(s.sub("cloudflare", Cloudflare{}, "the account and its token"))
	c.Store.Path = filepath.Join(d.dir, defaultStore)
	if v, ok := s.sub("store", Store{}, "").scalar("path", ""); ok {
		c.Store.Path = v.local()
	}
	c.StopTimeout = defaultStop
	if v, ok := s.scalar("stop_timeout", ""); ok {
		c.StopTimeout, _ = v.span(5*time.Second, 10*time.Minute)
	}
	c.People = d.people(s)
	c.Usage = d.usage(s.sub("usage", Usage{}, ""))
	c.Admin = d.admin(s.sub("admin", AdminListener{}, ""))
	c.Projects = d.projects(s, c.Usage.Timezone)
	c.Backups = d.backups(s.sub("backups", Backups{}, ""), filepath.Join(filepath.Dir(c.Store.Path), defaultBackups), c.Usage.Timezone)
	d.rules(c)
	return c
}

func (d *decoder) telegram(s *section) Telegram {
	t := Telegram{APIURL: defaultTelegramURL}
	t.Token = s.secret("token", "a bot's token as BotFather gives it, 123456:ABC...", botToken)
	if v, ok := s.scalar("api_url", ""); ok {
		t.APIURL = v.address()
	}
	if !s.has("webhook") {
		return t
	}
	w := s.sub("webhook", Webhook{}, "")
	if w == nil {
		return t
	}
	t.Webhook = &Webhook{Secret: w.secret("secret", "16 to 256 of A-Z a-z 0-9 _ -", webhookSecret)}
	if v, ok := w.scalar("url", "the public address that Telegram posts to"); ok {
		t.Webhook.URL = v.address()
		v.telegramPort(t.Webhook.URL, t.APIURL)
	}
	if v, ok := w.scalar("listen", "host:port to listen on"); ok {
		t.Webhook.Listen = v.listen()
	}
	return t
}

// telegramPort refuses a port that Telegram does not post to (Bot API, setWebhook, notes).
func (v value) telegramPort(address, apiURL string) {
	u, err := url.Parse(address)
	if err != nil || address == "" || apiURL != defaultTelegramURL {
		return
	}
	if port := u.Port(); port != "" && !slices.Contains([]string{"443", "80", "88", "8443"}, port) {
		v.failf("Telegram posts to the ports 443, 80, 88 and 8443 only, found %s", v.shown())
	}
}

func (v value) listen() string {
	_, port, err := net.SplitHostPort(v.text)
	if n, convErr := strconv.Atoi(port); err != nil || convErr != nil || n < 1 || n > 65535 {
		v.failf("expected host:port such as 127.0.0.1:8443, found %s", v.shown())
		return ""
	}
	return v.text
}

func (d *decoder) cloudflare(s *section) Cloudflare {
	c := Cloudflare{APIURL: defaultCloudflareURL}
	if v, ok := s.scalar("account_id", "the account's id, 32 hexadecimal digits"); ok {
		c.AccountID = v.matching(accountID, "32 lower-case hexadecimal digits")
	}
	c.APIToken = s.secret("api_token", "an API token without spaces", headerText)
	if v, ok := s.scalar("api_url", ""); ok {
		c.APIURL = v.address()
	}
	c.Plan, c.BillingDay = "paid", 1
	if v, ok := s.scalar("plan", ""); ok {
		c.Plan, c.PlanSaid = v.choice("paid", "free"), true
	}
	if v, ok := s.scalar("billing_day", ""); ok {
		n, _ := v.number(1, 31)
		c.BillingDay = int(n)
	}
	return c
}

func (d *decoder) people(s *section) []Person {
	const expected = "a list of {id: 1001, name: Lead, role: admin}"
	nodes, paths := s.list("people", expected)
	if !s.has("people") {
		s.missing("people", expected)
	} else if len(nodes) == 0 && resolve(s.values["people"]).Kind == yaml.SequenceNode {
		d.failf(s.values["people"], "people", "nobody is in it; expected %s", expected)
	}
	var people []Person
	for i, node := range nodes {
		p := Person{}
		m := d.section(node, paths[i], Person{})
		if v, ok := m.scalar("id", "the person's Telegram id; /whoami says it"); ok {
			p.ID, _ = v.number(1, 1<<52)
		}
		if v, ok := m.scalar("name", "what to call the person"); ok {
			p.Name = v.matching(printable, "1 to 64 printable characters")
		}
		if v, ok := m.scalar("username", ""); ok {
			p.Username = v.username()
		}
		if v, ok := m.scalar("role", "viewer, deployer, approver or admin"); ok {
			p.Role = v.role(Roles())
		}
		people = append(people, p)
	}
	return people
}

// username is a Telegram username without the @ that people write before it.
func (v value) username() string {
	const expected = "a Telegram username, 5 to 32 of A-Z a-z 0-9 _"
	if name, found := strings.CutPrefix(v.text, "@"); found && username.MatchString(name) {
		v.failf("expected %s, without the @ before it", expected)
		return ""
	}
	return v.matching(username, expected)
}

// role is one of some roles, from the lowest to the highest.
func (v value) role(among []Role) Role {
	var names []string
	for _, r := range among {
		if v.text == string(r) {
			return r
		}
		names = append(names, string(r))
	}
	hint := ""
	if best := nearest(v.text, names); best != "" {
		hint = "; did you mean \"" + best + "\"?"
	}
	last := len(names) - 1
	v.failf("expected %s or %s, found %s%s", strings.Join(names[:last], ", "), names[last], v.shown(), hint)
	return ""
}

// projects reads the apps; zone is what a freeze's clock is where the project names no other.
func (d *decoder) projects(s *section, zone *time.Location) []Project {
	nodes, paths := s.list("projects", "a list of projects")
	if !s.has("projects") {
		s.missing("projects", "a list of projects, each with name, chat, source, preview and production")
	} else if len(nodes) == 0 && resolve(s.values["projects"]).Kind == yaml.SequenceNode {
		d.failf(s.values["projects"], "projects", "empty; expected at least one project")
	}
	var projects []Project
	for i, node := range nodes {
		projects = append(projects, d.project(d.section(node, paths[i], Project{}), zone))
	}
	return projects
}

func (d *decoder) project(s *section, zone *time.Location) Project {
	var p Project
	if v, ok := s.scalar("name", "what the chat calls it"); ok {
		p.Name = v.matching(projectName, "1 to 39 of a-z 0-9 -, not beginning with -")
	}
	if v, ok := s.scalar("chat", "the group's id; /whoami says it"); ok {
		p.Place = v.place()
	}
	p.Source = d.source(s.sub("source", Source{}, "dir: or git:"))
	p.ProductionRefs = d.patterns(s)
	if v, ok := s.scalar("migrations", ""); ok {
		p.Migrations = v.inside()
	}
	if v, ok := s.scalar("migrations_table", ""); ok {
		p.MigrationsTable = v.matching(table, "a table's name of A-Z a-z 0-9 _")
	}
	d.environments(s, &p)
	d.database(s, &p)
	p.Workers, p.Watch = d.workers(s), OrOff(defaultWatch)
	if v, ok := s.scalar("watch", ""); ok {
		p.Watch = v.orOff(10*time.Minute, 24*time.Hour)
	}
	if s.has("freeze") {
		p.Freeze = d.freeze(s.sub("freeze", Freeze{}, ""), zone)
	}
	return p
}

// productionKeys are the keys of production. Its approvals may stand there or beside it; read, they are the project's.
type productionKeys struct {
	Database  string    `yaml:"database"`
	Approvals Approvals `yaml:"approvals"`
}

func (d *decoder) environments(s *section, p *Project) {
	const databaseName = "a D1 database's name: A-Z a-z 0-9 _ -, at most 63"
	preview := s.sub("preview", Preview{}, "database: and perhaps seed:")
	if v, ok := preview.scalar("database", "the name of a D1 database"); ok {
		p.Preview.Database = v.matching(database, databaseName)
	}
	if v, ok := preview.scalar("seed", ""); ok {
		p.Preview.Seed = v.inside()
	}
	p.Preview.Approvals = Approvals{Required: 0, Role: Approver, Expire: defaultExpire}
	if rules := preview.sub("approvals", Approvals{}, ""); rules != nil {
		if !rules.has("required") {
			rules.missing("required", "how many people have to approve a deploy to preview")
		}
		rules.approvals(0, &p.Preview.Approvals)
	}
	production := s.sub("production", productionKeys{}, "database:")
	if v, ok := production.scalar("database", "the name of a D1 database"); ok {
		p.Production.Database = v.matching(database, databaseName)
	}
	p.Approvals = Approvals{Required: 1, Role: Approver, Expire: defaultExpire}
	if production.has("approvals") && s.has("approvals") {
		d.failf(s.keys["approvals"], s.at("approvals"), "production's approvals are in line %d too; keep one of the two", production.keys["approvals"].Line)
		d.failf(production.keys["approvals"], production.at("approvals"), "production's approvals are in line %d too; keep one of the two", s.keys["approvals"].Line)
	}
	s.sub("approvals", Approvals{}, "").approvals(1, &p.Approvals)
	production.sub("approvals", Approvals{}, "").approvals(1, &p.Approvals)
}

// approvals reads what the section gives into a, which holds the defaults.
func (s *section) approvals(least int64, a *Approvals) {
	if v, ok := s.scalar("required", ""); ok {
		n, _ := v.number(least, 20)
		a.Required = int(n)
	}
	if v, ok := s.scalar("role", ""); ok {
		a.Role = v.role([]Role{Approver, Admin})
	}
	if v, ok := s.scalar("expire", ""); ok {
		a.Expire, _ = v.span(time.Minute, 30*24*time.Hour)
	}
}

// patterns are production_refs: whole names, or a folder of names as "release/*".
func (d *decoder) patterns(s *section) []string {
	nodes, paths := s.list("production_refs", "a list such as [main, release/*]")
	if s.has("production_refs") && len(nodes) == 0 && resolve(s.values["production_refs"]).Kind == yaml.SequenceNode {
		d.failf(s.values["production_refs"], s.at("production_refs"), "empty; leave the key out to allow any ref")
	}
	var refs []string
	for i, node := range nodes {
		v, ok := d.scalar(node, paths[i])
		switch {
		case !ok:
		case !isRef(strings.TrimSuffix(v.text, "/*")):
			v.failf("expected a branch or tag such as main, or a folder of them such as release/*, found %s", v.shown())
		default:
			refs = append(refs, v.text)
		}
	}
	return refs
}

// isRef reports whether git could have a branch or tag of this name (git help check-ref-format).
func isRef(name string) bool {
	if name == "" || len(name) > 200 || name == "@" || strings.ContainsAny(name, " ~^:?*[\\\x7f") || strings.IndexFunc(name, func(r rune) bool { return r < ' ' }) >= 0 {
		return false
	}
	for _, part := range strings.Split(name, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return !strings.HasPrefix(name, "-") && !strings.HasSuffix(name, ".") &&
		!strings.Contains(name, "..") && !strings.Contains(name, "@{")
}
