#!/bin/sh
# The check of docs/semantics.md finds what it is for.
#
#   semantics_page_can_fail.sh CHECK TESTS PAGE
set -eu
check=$1
tests=$2
page=$3
spoiled=$(mktemp)
trap 'rm -f "$spoiled"' EXIT

finds() {
  sed "$1" "$page" >"$spoiled"
  if cmp -s "$page" "$spoiled"; then
    echo "nothing was spoiled by $1" && exit 1
  fi
  if output=$(sh "$check" "$tests" "$spoiled"); then
    echo "not found: $1" && exit 1
  fi
  echo "$output" | grep -qF "$2"
}
finds 's/`Crash\.Put_of_a_new_object_survives`/`Crash.No_such_test`/' 'no test Crash.No_such_test'
finds 's/`TestFsstore_says[A-Za-z_]*`/`TestNo_such_test`/' 'no test TestNo_such_test'
finds 's/`TestFsstore\/Open_reader[A-Za-z_]*`/`TestFsstore\/No_such_test`/' 'no test TestFsstore/No_such_test'
finds 's/`TestFsstore_keeps_two_names_for_itself`/nothing/' 'no test holds'
finds '/^| visibility/,$d' 'fewer lines'
