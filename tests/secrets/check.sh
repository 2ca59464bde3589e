#!/bin/sh
# Runs a suite with the log at its finest, and fails where a secret is in what it writes. The secrets of tests have a mark
# in them (tests/support/secrets.hpp); that of the signature vectors is AWS' own example.
#
#   check.sh SUITE [ARGUMENT...]
set -u
written=$(mktemp -d)
trap 'rm -rf "$written"' EXIT
mkfifo "$written/pipe"
# Shown is what the suite writes without the log's finer lines, of which there are tens of thousands.
tee "$written/all" <"$written/pipe" | grep -av --line-buffered -e ' scabbard debug: ' -e ' scabbard info: ' &
SCABBARD_LOG=trace "$@" >"$written/pipe" 2>&1
status=$?
wait
if grep -an -e hunter2 -e wJalrXUtnFEMI "$written/all"; then
  echo "a secret was written: see the lines above, numbered as the whole output is"
  exit 1
fi
exit $status
