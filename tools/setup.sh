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

installed=node_modules/.towline-installed
if [ -f "$installed" ] && cmp -s package.json "$installed"; then
	echo "setup: npm packages are there"
elif ! command -v npm >/dev/null 2>&1; then
	missing "npm" "install Node with npm, for workerd and wrangler"
else
	echo "setup: installing npm packages into tools/node_modules: workerd, wrangler, drizzle-kit, Node 22, TypeScript, the Bot API's types"
	if npm install --loglevel=error; then
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
	if ! { $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends chromium fonts-noto-color-emoji; } >/dev/null; then
		missing "Chromium" "apt-get could not install it"
	fi
fi
