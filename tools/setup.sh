#!/bin/sh
# Installs what the tests borrow from the machine, and says what. Run by `make setup`; safe to run again.
#
#   - npm packages, pinned in tools/package.json, into tools/node_modules: workerd, wrangler, drizzle-kit, Node 22, the
#     Bot API's types.
#     No package's install script is run.
#   - Chromium, from Debian's packages
#
# A part that cannot be had is named. Under CI that ends the run; elsewhere the tests that need it are skipped by name.
set -u
cd "$(dirname "$0")" || exit 1

missing() {
	echo "setup: $1 is not there: $2" >&2
	if [ -n "${CI:-}" ]; then
		exit 1
	fi
	echo "setup: the tests that need it will be skipped by name" >&2
}

# persist repeats what asks a server for something: one that is slow or busy must not decide what a build comes to.
persist() {
	for rest in 10 30 60 ""; do
		"$@" && return
		[ -n "$rest" ] || return 1
		echo "setup: $1 failed; again in $rest s" >&2
		sleep "$rest"
	done
}

installed=node_modules/.towline-installed
if [ -f "$installed" ] && cmp -s package.json "$installed"; then
	echo "setup: npm packages are there"
elif ! command -v npm >/dev/null 2>&1; then
	missing "npm" "install Node with npm, for workerd and wrangler"
else
	echo "setup: installing npm packages into tools/node_modules: workerd, wrangler, drizzle-kit, Node 22, TypeScript, the Bot API's types"
	if persist npm install --loglevel=error --fetch-retries=5 --fetch-timeout=120000; then
		cp package.json "$installed"
	else
		missing "an npm package" "npm install failed, see above"
	fi
fi

if command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1; then
	echo "setup: Chromium is there"
elif ! command -v apt-get >/dev/null 2>&1; then
	missing "Chromium" "install it, for the tests of the demo's page"
else
	echo "setup: installing Chromium from Debian's packages"
	sudo=""
	[ "$(id -u)" = 0 ] || sudo="sudo -n"
	chromium() { # another apt may be at work on a new machine: it is waited for
		$sudo apt-get update -qq -o Acquire::Retries=5 -o DPkg::Lock::Timeout=600 &&
			$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o Acquire::Retries=5 -o DPkg::Lock::Timeout=600 --no-install-recommends chromium fonts-noto-color-emoji
	}
	if ! persist chromium >/dev/null; then
		missing "Chromium" "apt-get could not install it"
	fi
fi
