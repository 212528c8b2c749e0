#!/bin/sh
# Runs every fuzz target of the module for a short time, one after the other. $1: how long each, as -fuzztime takes it. A
# number of inputs (1000x) is the default: a time that is over in the middle of an input counts as a failure.
set -eu
cd "$(dirname "$0")/.."
for file in $(git grep -l '^func Fuzz' -- '*_test.go'); do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
		"${GO:-go}" test -run '^$' -fuzz "^$target\$" -fuzztime "${1:-1000x}" -timeout 2m "./$(dirname "$file")"
	done
done
