package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
	"go.yaml.in/yaml/v4"
)

// Lint is how a project's migrations are judged.
type Lint struct {
	// Rules are the severities of rules that are not to have their own: error, warning, info or off, by code.
	Rules Pairs `yaml:"rules"`
	// ContractAfter is how long the release must have been live on production that stopped using what a migration drops.
	ContractAfter time.Duration `yaml:"contract_after"`
}

// Rehearse is on what releases are rehearsed, besides a copy of the schema.
type Rehearse struct {
	// Copy is "schema" or "data".
	Copy string `yaml:"copy"`
	// MaxSize is the largest database whose data is copied.
	MaxSize Size `yaml:"max_size"`
	// Hours are when it may be copied, since that blocks the database.
	Hours Hours `yaml:"hours"`
	// MaxAge is how old a copy may be that is used again, counted from when it was whole.
	MaxAge time.Duration `yaml:"max_age"`
}

// Backups are copies of databases outside of Cloudflare.
type Backups struct {
	// Dir is their folder, absolute once read.
	Dir string `yaml:"dir"`
	// Keep is how long they are kept.
	Keep time.Duration `yaml:"keep"`
	// KeyFile holds the age identity with which they are encrypted, absolute once read; empty: they are not.
	KeyFile string `yaml:"key_file"`
	// Key is what KeyFile held when the config was read.
	Key Secret `yaml:"-"`
	// Drill is when the last backups are restored for practice, a cron expression; empty: when somebody asks.
	Drill    string        `yaml:"drill"`
	Schedule cron.Schedule `yaml:"-"`
}

// NoBackups is why a project's databases are not backed up before destructive changes.
type NoBackups struct {
	Off string `yaml:"off"`
}

// Backfill is how much the backfills of a project may do.
type Backfill struct {
	// RowsPerDay is how many rows they write in a day at most; 0: as many as it takes.
	RowsPerDay Count `yaml:"rows_per_day"`
	// Hours are when they work.
	Hours Hours `yaml:"hours"`
}

// Pairs are names with a value each, in the file's order.
type Pairs []Pair

// Pair is one of Pairs.
type Pair struct{ Name, Value string }

// Map is the pairs as a map; nil where there are none.
func (p Pairs) Map() map[string]string {
	if len(p) == 0 {
		return nil
	}
	m := make(map[string]string, len(p))
	for _, one := range p {
		m[one.Name] = one.Value
	}
	return m
}

// Text writes them as the file has them.
func (p Pairs) Text() string {
	if len(p) == 0 {
		return ""
	}
	list := make([]string, len(p))
	for i, one := range p {
		list[i] = strconv.Quote(one.Name) + ": " + strconv.Quote(one.Value)
	}
	return "{" + strings.Join(list, ", ") + "}"
}

// Size is a number of bytes.
type Size int64

// Text writes it as the file has it.
func (s Size) Text() string {
	if s == 0 {
		return ""
	}
	for _, unit := range sizeUnits() {
		if int64(s)%unit.bytes == 0 {
			return strconv.FormatInt(int64(s)/unit.bytes, 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

type sizeUnit struct {
	name  string
	bytes int64
}

// sizeUnits are powers of ten, as Cloudflare's limits are ("Limits", D1 docs).
func sizeUnits() []sizeUnit { return []sizeUnit{{"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}} }

// Count is a number of which none is as many as one likes.
type Count int64

// Text writes it as the file has it.
func (c Count) Text() string {
	if c == 0 {
		return ""
	}
	return strconv.FormatInt(int64(c), 10)
}

// Hours are hours of every day on the clock of usage.timezone, "22:00-06:00". Empty: the whole day.
type Hours string

// Range is when they begin and end, since midnight.
func (h Hours) Range() (from, to time.Duration) {
	m := hoursShape.FindStringSubmatch(string(h))
	if m == nil {
		return 0, 0
	}
	at := func(hour, minute string) time.Duration {
		h, _ := strconv.Atoi(hour)
		n, _ := strconv.Atoi(minute)
		return time.Duration(h)*time.Hour + time.Duration(n)*time.Minute
	}
	return at(m[1], m[2]), at(m[3], m[4])
}

var (
	sizeShape  = regexp.MustCompile(`^([0-9]{1,6})(KB|MB|GB)$`)
	hoursShape = regexp.MustCompile(`^([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])$`)
	ruleCode   = regexp.MustCompile(`^(D1|F)-[A-Z]+[0-9]*$`)
	fileName   = regexp.MustCompile(`^[^\p{C}]{1,200}$`)
)

// size is a number of bytes: "200MB", "1GB".
func (v value) size(low, high Size) Size {
	m := sizeShape.FindStringSubmatch(v.text)
	if m == nil {
		v.failf("expected a size such as 200MB or 1GB, found %s", v.shown())
		return 0
	}
	n, _ := strconv.ParseInt(m[1], 10, 64)
	for _, unit := range sizeUnits() {
		if unit.name == m[2] {
			n *= unit.bytes
		}
	}
	if n < int64(low) || n > int64(high) {
		v.failf("expected a size from %s to %s, found %s", low.Text(), high.Text(), v.shown())
		return 0
	}
	return Size(n)
}

// hours are hours of the day: "22:00-06:00".
func (v value) hours() Hours {
	if !hoursShape.MatchString(v.text) {
		v.failf(`expected hours of the day such as "22:00-06:00", found %s`, v.shown())
		return ""
	}
	h := Hours(v.text)
	if from, to := h.Range(); from == to {
		v.failf("expected hours that begin and end at different times; leave the key out for the whole day")
		return ""
	}
	return h
}

// choice is one of some words.
func (v value) choice(words ...string) string {
	if slices.Contains(words, v.text) {
		return v.text
	}
	last := len(words) - 1
	v.failf("expected %s or %s, found %s", strings.Join(words[:last], ", "), words[last], v.shown())
	return ""
}

// pairs reads a mapping of names to texts; one says what each has to be, and returns what counts.
func (s *section) pairs(key, expected string, one func(name, val value) (Pair, bool)) Pairs {
	if s == nil || !s.has(key) {
		return nil
	}
	node := resolve(s.values[key])
	if node.Kind != yaml.MappingNode {
		s.d.failf(node, s.at(key), "expected %s, found %s", expected, kindOf(node))
		return nil
	}
	var all Pairs
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, nameOK := s.d.scalar(node.Content[i], s.at(key))
		val, valOK := s.d.scalar(node.Content[i+1], s.at(key)+"."+clip(node.Content[i].Value))
		if !nameOK || !valOK {
			continue
		}
		if slices.ContainsFunc(all, func(p Pair) bool { return p.Name == name.text }) {
			name.failf("given twice")
			continue
		}
		if p, ok := one(name, val); ok {
			all = append(all, p)
		}
	}
	return all
}

// database reads what a project says about its migrations and its data.
func (d *decoder) database(s *section, p *Project) {
	d.lint(s.sub("lint", Lint{}, ""), &p.Lint)
	p.Renames = s.pairs("renames", "{old name: new name}", func(name, val value) (Pair, bool) {
		pair := Pair{name.matching(fileName, "a migration's name"), val.matching(fileName, "a migration's name")}
		return pair, pair.Name != "" && pair.Value != ""
	})
	if v, ok := s.scalar("queries", ""); ok {
		p.Queries = v.inside()
	}
	p.Rehearse = Rehearse{Copy: "schema", MaxSize: 500e6, MaxAge: 24 * time.Hour}
	d.rehearse(s, &p.Rehearse)
	if off := s.sub("backups", NoBackups{}, ""); off != nil {
		if v, ok := off.scalar("off", "the reason for which none are taken"); ok {
			p.Backups.Off = v.matching(reasonText, "a reason of 1 to 200 printable characters")
		}
	}
	backfill := s.sub("backfill", Backfill{}, "")
	if v, ok := backfill.scalar("rows_per_day", ""); ok {
		n, _ := v.number(1000, 1e12)
		p.Backfill.RowsPerDay = Count(n)
	}
	if v, ok := backfill.scalar("hours", ""); ok {
		p.Backfill.Hours = v.hours()
	}
}

func (d *decoder) lint(s *section, l *Lint) {
	l.ContractAfter = defaultContract
	l.Rules = s.pairs("rules", "{D1-FK07: info}", func(name, val value) (Pair, bool) {
		code := name.matching(ruleCode, "a rule's code such as D1-FK07")
		severity := val.choice("error", "warning", "info", "off")
		return Pair{code, severity}, code != "" && severity != ""
	})
	if v, ok := s.scalar("contract_after", ""); ok {
		l.ContractAfter, _ = v.span(time.Minute, 90*24*time.Hour)
	}
}

// rehearse reads the word alone, or the block with what belongs to it.
func (d *decoder) rehearse(s *section, r *Rehearse) {
	if s == nil || !s.has("rehearse") {
		return
	}
	if resolve(s.values["rehearse"]).Kind == yaml.ScalarNode {
		if v, ok := s.scalar("rehearse", ""); ok {
			r.Copy = v.choice("schema", "data")
		}
		return
	}
	m := s.sub("rehearse", Rehearse{}, "")
	if v, ok := m.scalar("copy", "schema or data"); ok {
		r.Copy = v.choice("schema", "data")
	}
	if v, ok := m.scalar("max_size", ""); ok {
		r.MaxSize = v.size(1e6, 10e9)
	}
	if v, ok := m.scalar("hours", ""); ok {
		r.Hours = v.hours()
	}
	if v, ok := m.scalar("max_age", ""); ok {
		r.MaxAge, _ = v.span(time.Minute, 90*24*time.Hour)
	}
}

// backups reads where copies of databases are kept.
func (d *decoder) backups(s *section, dir string, zone *time.Location) Backups {
	b := Backups{Dir: dir, Keep: defaultKeep}
	if v, ok := s.scalar("dir", ""); ok {
		b.Dir = v.local()
	}
	if v, ok := s.scalar("keep", ""); ok {
		b.Keep, _ = v.span(24*time.Hour, 3650*24*time.Hour)
	}
	if v, ok := s.scalar("key_file", ""); ok {
		b.KeyFile = v.local()
		b.Key = Secret(v.identity())
		d.secrets = append(d.secrets, string(b.Key))
	}
	if v, ok := s.scalar("drill", ""); ok {
		b.Drill = oneLine(v.text)
		b.Schedule = v.schedule("usage.timezone")
		if spec, ok := b.Schedule.(*cron.SpecSchedule); ok {
			spec.Location = zone
		}
	}
	return b
}

// identity is the secret key in a file that age-keygen wrote, comments and all.
func (v value) identity() string {
	for line := range strings.Lines(v.secretFile()) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "AGE-SECRET-KEY-1") {
			return line
		}
	}
	if len(v.d.errs) == 0 || v.d.errs[len(v.d.errs)-1].Key != v.path {
		v.failf("%s holds no age identity, AGE-SECRET-KEY-1…; age-keygen -o makes such a file", v.local())
	}
	return ""
}
