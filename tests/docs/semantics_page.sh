#!/bin/sh
# Fails when a test that docs/semantics.md names does not exist, or a line of it names none.
#
#   semantics_page.sh TESTS PAGE     TESTS is the folder of all tests
set -u
tests=$1
page=$2
status=0

# One definition a line: Suite.Name of GoogleTest, TestName of Go, /name of what acceptance tests hold a store to.
known=$(mktemp)
trap 'rm -f "$known"' EXIT
find "$tests" "$tests/../shim" -name '*.cpp' -o -name '*.go' | xargs cat | sed -nE \
  -e 's/^TEST(_F|_P)?\(([A-Za-z]+), ([A-Za-z0-9_]+)\).*/\2.\3/p' \
  -e 's/^func (Test[A-Za-z0-9_]+)\(.*/\1/p' \
  -e 's/^[[:space:]]*\{"([A-Za-z_]+)", [A-Za-z]+\},$/\/\1/p' >"$known"

exists() { grep -qxF -- "$1" "$known"; }
missing() {
  echo "$page: $1"
  status=1
}

lines=$(grep '^|' "$page" | grep -v '^| ---' | grep -v 'held by |$')
[ "$(echo "$lines" | wc -l)" -ge 40 ] || missing "fewer lines than it should have"
while IFS= read -r line; do
  named=$(echo "$line" | sed 's/ |$//; s/.*| //' | grep -oE '`[A-Za-z]+(\.[A-Za-z0-9_]+|_[A-Za-z0-9_]+|/[A-Za-z0-9_]+)`' | tr -d '`')
  [ -n "$named" ] || missing "no test holds: $line"
  for test in $named; do
    case $test in
      */*) exists "${test%%/*}" && exists "/${test#*/}" ;;
      *) exists "$test" ;;
    esac || missing "there is no test $test"
  done
done <<END
$lines
END
exit "$status"
