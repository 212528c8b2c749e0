package bot

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

// mostUpdate bounds the body of a webhook request.
const mostUpdate = 1 << 20

// WebhookHandler receives updates that Telegram posts. It answers 200 only when
// an update is in the journal, and 503 when that failed or too many are waiting:
// Telegram repeats until it gets 200. Requests without the secret get 401, other
// methods than POST 405, bodies of more than 1 MiB 413. It can
// be served before Run and after it; updates are handled while Run runs. It is
// nil when the options have no webhook.
func (b *Bot) WebhookHandler() http.Handler {
	if b.options.Webhook == nil {
		return nil
	}
	// Digests have equal lengths, so that the comparison takes constant time.
	secret := sha256.Sum256([]byte(b.options.Webhook.Secret))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "POST only", http.StatusMethodNotAllowed)
			return
		}
		given := sha256.Sum256([]byte(r.Header.Get("X-Telegram-Bot-Api-Secret-Token")))
		if subtle.ConstantTimeCompare(given[:], secret[:]) != 1 {
			http.Error(w, "wrong secret", http.StatusUnauthorized)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostUpdate))
		if err != nil {
			status := http.StatusBadRequest // broken off: it comes again
			if _, large := errors.AsType[*http.MaxBytesError](err); large {
				status = http.StatusRequestEntityTooLarge
			}
			http.Error(w, "unreadable body", status)
			return
		}
		if err := b.accept(r.Context(), body); err != nil {
			b.log.Error("a webhook request was put off", "error", err)
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusOK)
	})
}

// accept journals the update in a webhook's body.
func (b *Bot) accept(ctx context.Context, body []byte) error {
	b.mu.Lock()
	executors := b.executors
	b.mu.Unlock()
	if executors != nil && executors.full() {
		return errBusy
	}
	err := b.receive(ctx, []json.RawMessage{body})
	if err == nil && executors != nil {
		b.state.succeed()
	}
	return err
}

// hook receives updates by webhook until ctx ends.
func (b *Bot) hook(ctx context.Context) error {
	hook := b.options.Webhook
	failed := make(chan error, 1)
	if hook.Listen != "" {
		listener, err := b.listen(ctx, hook.Listen)
		if err != nil {
			return err
		}
		server := &http.Server{Handler: b.WebhookHandler(), ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute}
		served := make(chan struct{})
		go func() {
			defer close(served)
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		}()
		defer func() {
			// A client that is slow to send its body must not use up the time of a stop.
			ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), b.stopBy().Add(-b.options.StopTimeout*3/4))
			defer cancel()
			if err := server.Shutdown(ctx); err != nil {
				b.log.Warn("the webhook's listener did not close in time", "error", err)
			}
			<-served
		}()
	}
	err := b.persist(ctx, "setWebhook", func(ctx context.Context) error {
		var ok bool
		return b.client.call(ctx, "setWebhook", map[string]any{
			"url": hook.URL, "secret_token": hook.Secret, "allowed_updates": subscribed(), "drop_pending_updates": false,
		}, &ok)
	})
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	b.state.succeed()
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}
