# Towline's commands. `make test` is the whole check: it installs what it needs, says what, and runs everything.

GO ?= go
STATICCHECK = $(GO) tool -modfile=tools.mod staticcheck

.PHONY: test setup check unit race fuzz bench demo golden

## test: set up, then check and run everything
test: setup check unit race fuzz

## setup: the real programs that tests borrow (workerd, wrangler, Node 22, Chromium)
setup:
	@sh tools/setup.sh

## check: formatting, vet, staticcheck
check:
	@files=$$(git ls-files '*.go') && test -n "$$files" && bad=$$(gofmt -l $$files) && test -z "$$bad" || { echo "not gofmt'ed, or git does not list the files: $$bad"; exit 1; }
	$(GO) vet ./...
	$(STATICCHECK) ./...

## unit: every test, with real D1, wrangler and the chat page
unit:
	$(GO) test -timeout 15m ./...

## race: the race detector, without the tests that only wait for other programs
race:
	$(GO) test -race -short -timeout 20m ./...

## fuzz: every parser of what others send, with a thousand new inputs each
fuzz:
	GO="$(GO)" sh tools/fuzz.sh 1000x

## bench: the figures of the README, against wrangler in the same run
bench: setup
	$(GO) run ./cmd/bench

## golden: write the golden files anew; read the difference before you commit it
golden:
	$(GO) test ./cards ./config ./cmd/towline ./migrations/rehearse ./migrations/lint ./usage/chart ./usage/forecast -update
	$(GO) test ./handlers ./migrations/lint ./cmd/towline -run 'Docs|MigrationsPage' -update-docs

demo:
	$(GO) run ./cmd/towline demo
