package bot

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Options configure a Bot. Only Token has no default.
type Options struct {
	// Token is the bot's token. It is never logged and never part of an error.
	Token string
	// APIURL is the Bot API server, without a trailing slash; "" means Telegram's.
	APIURL string
	// Transport carries the requests; nil means a transport of the bot's own.
	Transport http.RoundTripper
	// RequestTimeout bounds one request other than a long poll; 0 means 30 s, and
	// ten times that for a file.
	RequestTimeout time.Duration
	// PollTimeout is how long Telegram holds a poll open; 0 means 50 s, which is
	// also the most it does. Whole seconds.
	PollTimeout time.Duration
	// Webhook receives updates by webhook instead of long polling.
	Webhook *Webhook
	// Menu is the command menu, set at start; nil leaves it alone.
	Menu []MenuCommand
	// Pace holds back what Telegram would refuse.
	Pace Pace
	// Chats is how many chats are handled at once; 0 means 16.
	Chats int
	// HandlerTimeout bounds one call of the handler; 0 means 2 minutes.
	HandlerTimeout time.Duration
	// StopTimeout is how long Run waits for running handlers and for outstanding
	// messages when it is told to stop; 0 means 10 s.
	StopTimeout time.Duration
	// UnknownPress answers a press whose token the store does not know; its zero
	// value means "This button is no longer in use."
	UnknownPress Toast
	// ExpiredPress answers a press on a button whose time is over, OlderPress one on
	// another message than the card's live one or on a button that was replaced,
	// NotYoursPress one by somebody who is not in Button.For. Their zero values say
	// so.
	ExpiredPress, OlderPress, NotYoursPress Toast
	// SlowPress answers a press whose handler has not come back 10 s after it was
	// received: Telegram soon refuses an answer, so it comes instead of the
	// handler's toast. Its zero value says that the card will show the result.
	SlowPress Toast
	// FailedPress answers a press whose handler failed without a toast of its own.
	// "%d" in it becomes the update's id. Its zero value says that it failed.
	FailedPress Toast
	// Failure is the HTML of the reply to a command whose handler failed; "" means
	// no reply. "%d" in it becomes the update's id.
	Failure string
	// Now is the clock for times that are stored or compared with stored ones; nil
	// means time.Now. Waiting within the process goes by the real clock.
	Now func() time.Time
	// Rand is the source of callback tokens; nil means crypto/rand.
	Rand io.Reader
	// Log receives one line per refusal, retry and failure; nil means no log.
	Log *slog.Logger
}

// Webhook is how updates arrive when they are not polled.
type Webhook struct {
	// URL is the public address that Telegram posts to: https, without secrets.
	URL string
	// Listen is the address that Run listens on for plain HTTP behind a proxy that
	// terminates TLS; "" when the program serves Bot.WebhookHandler itself.
	Listen string
	// Secret is compared with X-Telegram-Bot-Api-Secret-Token: 16 to 256 of
	// A-Z, a-z, 0-9, _ and -.
	Secret string
}

// MenuCommand is one line of the command menu.
type MenuCommand struct {
	// Name is 1 to 32 of a-z, 0-9 and _; Description 1 to 256 characters.
	Name, Description string
}

// Pace is how fast the bot may post. Telegram documents about one message a
// second in a chat, 20 a minute in a group and 30 a second over all (Bots FAQ,
// "My bot is hitting limits"), with bursts; edits count in practice. Zero fields
// mean those figures, a negative interval means no limit.
type Pace struct {
	// Edit is the least time between two edits of one card; 0 means 3 s.
	Edit time.Duration
	// Group is the time in which a group earns one more message; 0 means 3 s.
	Group time.Duration
	// GroupBurst is how many a group can save up; 0 means 10.
	GroupBurst int
	// Private and PrivateBurst are the same for private chats: 1 s and 5.
	Private      time.Duration
	PrivateBurst int
	// All is the time in which the bot earns one more request over all; 0 means
	// 1/30 s, with a burst of 30.
	All time.Duration
	// Retry is the first wait after a failed delivery, doubled up to RetryMost;
	// 0 means 500 ms and 1 minute.
	Retry, RetryMost time.Duration
}

const (
	defaultAPIURL = "https://api.telegram.org"
	// mostPollTimeout is the server's own limit (tdlib/telegram-bot-api, Client.h).
	mostPollTimeout = 50 * time.Second
	// keepUpdates is how long finished updates stay in the journal, to recognise
	// duplicates: twice the 24 h that Telegram keeps an update (Bot API, "Update"),
	// and less than the week after which it may start ids anew.
	keepUpdates = 48 * time.Hour
	// keepCards is how long a final card without buttons is remembered.
	keepCards = 30 * 24 * time.Hour
	// slowPress is when a press gets an answer without its handler: the query is
	// refused as too old soon after 15 s.
	slowPress = 10 * time.Second
)

var (
	secretPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{16,256}$`)
	tokenPattern  = regexp.MustCompile(`^[0-9]{1,20}:[A-Za-z0-9_-]{1,100}$`)
)

// withDefaults checks o and fills in what was left out. Its errors do not
// contain a secret.
func (o Options) withDefaults() (Options, error) {
	if !tokenPattern.MatchString(o.Token) {
		return o, errors.New("bot: the token is not of the form 123456:ABC…, as @BotFather gives it")
	}
	o.APIURL = strings.TrimRight(or(o.APIURL, defaultAPIURL), "/")
	if u, err := url.Parse(o.APIURL); err != nil || u.Host == "" || u.User != nil {
		return o, errors.New("bot: the API URL is not of the form https://host")
	}
	if w := o.Webhook; w != nil {
		if !secretPattern.MatchString(w.Secret) {
			return o, errors.New("bot: the webhook's secret must be 16 to 256 of A-Z, a-z, 0-9, _ and -")
		}
		if u, err := url.Parse(w.URL); err != nil || u.Host == "" {
			return o, fmt.Errorf("bot: the webhook's URL is not of the form https://host/path")
		}
	}
	o.RequestTimeout = or(o.RequestTimeout, 30*time.Second)
	o.PollTimeout = min(or(o.PollTimeout, mostPollTimeout), mostPollTimeout)
	if o.PollTimeout < time.Second {
		return o, errors.New("bot: a poll timeout below one second would poll without pause")
	}
	o.Pace = o.Pace.withDefaults()
	o.Chats = or(o.Chats, 16)
	o.HandlerTimeout = or(o.HandlerTimeout, 2*time.Minute)
	o.StopTimeout = or(o.StopTimeout, 10*time.Second)
	o.UnknownPress = or(o.UnknownPress, Toast{Text: "This button is no longer in use."})
	o.ExpiredPress = or(o.ExpiredPress, Toast{Text: "This button has expired."})
	o.OlderPress = or(o.OlderPress, Toast{Text: "This button was replaced. Use the newest message about it."})
	o.NotYoursPress = or(o.NotYoursPress, Toast{Text: "This button is for somebody else.", Alert: true})
	o.SlowPress = or(o.SlowPress, Toast{Text: "Still working on it. The card will show the result."})
	o.FailedPress = or(o.FailedPress, Toast{Text: "That did not work. The log of the bot says why, under update %d.", Alert: true})
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// refusal is the toast for a press that does not reach the handler.
func (o Options) refusal(v verdict) Toast {
	switch v {
	case pressOlder:
		return o.OlderPress
	case pressExpired:
		return o.ExpiredPress
	case pressNotYours:
		return o.NotYoursPress
	}
	return o.UnknownPress
}

func (p Pace) withDefaults() Pace {
	p.Edit = or(p.Edit, 3*time.Second)
	p.Group = or(p.Group, 3*time.Second)
	p.GroupBurst = or(p.GroupBurst, 10)
	p.Private = or(p.Private, time.Second)
	p.PrivateBurst = or(p.PrivateBurst, 5)
	p.All = or(p.All, time.Second/30)
	p.Retry = or(p.Retry, 500*time.Millisecond)
	p.RetryMost = or(p.RetryMost, time.Minute)
	return p
}

// or returns v, or fallback when v is its zero value.
func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}
