#!/bin/sh
# Runs every fuzz target of the module for a short time, one after the other. $1: how long each, as -fuzztime takes it. A
# number of inputs (1000x) is the default: a time that is over in the middle of an input counts as a failure.
#
# Each package's test program is built once for all of its targets, and the next one's while this one's run. What they find of interest is kept where
# `go test -fuzz` keeps it.
set -eu
cd "$(dirname "$0")/.."
go=${GO:-go}
programs=$(mktemp -d)
building=""
leave() {
	if [ -n "$building" ]; then
		wait "$building" 2>/dev/null || :
	fi
	rm -rf "$programs"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

kept=$("$go" env GOCACHE)/fuzz
folders=$("$go" list -f '{{.Dir}}' ./...)
module=$("$go" list -m)
root=$(pwd -P)

# rooms are the folders with a fuzz target, one a line, by their way from here.
rooms=$(for folder in $folders; do
	if grep -qs '^func Fuzz' "$folder"/*_test.go; then
		echo "${folder#"$root"/}"
	fi
done)
if [ -z "$rooms" ]; then
	echo "fuzz: no target was found" >&2
	exit 1
fi

build() {
	"$go" test -c -vet=off -fuzz . -o "$programs/$(echo "$1" | tr / _)" "./$1" &
	building=$!
}

run() {
	for target in $(cat "$1"/*_test.go | sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p'); do
		echo "fuzz: $target of $1"
		(cd "$1" && "$programs/$(echo "$1" | tr / _)" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$2" \
			-test.fuzzcachedir "$kept/$module/$1" -test.timeout 10m)
	done
}

before=""
for room in $rooms ""; do
	if [ -n "$building" ]; then
		wait "$building"
		building=""
	fi
	if [ -n "$room" ]; then
		build "$room"
	fi
	if [ -n "$before" ]; then
		run "$before" "${1:-1000x}"
	fi
	before=$room
done
