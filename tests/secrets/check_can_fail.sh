#!/bin/sh
# The check for secrets finds one in output and log, and passes on how a suite ends.
#
#   check_can_fail.sh CHECK
set -u
check=$1

expect() {
  wanted=$1
  shift
  sh "$check" "$@" >/dev/null
  status=$?
  [ "$status" -eq "$wanted" ] || { echo "$status instead of $wanted: $*" && exit 1; }
}
expect 0 echo fine
expect 3 sh -c 'exit 3'
expect 1 echo 'key hunter2-of-a-test'
expect 1 sh -c 'echo "2026 scabbard debug: hunter2" >&2'
expect 1 sh -c '[ "$SCABBARD_LOG" = trace ] && echo wJalrXUtnFEMI/K7MDENG'
