#!/bin/sh
# Runs bun with the arguments given. `npm ci` installs it without its install script, so its binary is fetched by the
# first call that needs it.
set -e
bun --version >/dev/null 2>&1 || node node_modules/bun/install.js
exec bun "$@"
