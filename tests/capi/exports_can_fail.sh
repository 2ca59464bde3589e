#!/bin/sh
# exports.sh notices a function that is declared only, one that is exported only, and an overload too few.
#
#   exports_can_fail.sh EXPORTS_SH NM LIBRARY HEADER...
set -eu
exports=$1
nm=$2
library=$3
shift 3
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

# expect MESSAGE SED_SCRIPT HEADER...: the headers, changed so, are refused with that message.
expect() {
  message=$1
  change=$2
  shift 2
  rm -f "$work"/*
  for header in "$@"; do sed "$change" "$header" >"$work/$(basename "$header")"; done
  if found=$(sh "$exports" "$nm" "$library" "$work"/*); then
    echo "not noticed: $message"
    exit 1
  fi
  echo "$found" | grep -qF "$message" || { echo "wanted: $message"; echo "$found"; exit 1; }
}

sh "$exports" "$nm" "$library" "$@" >/dev/null
expect 'scb_version_of is declared but not exported' 's/scb_version(/scb_version_of(/' "$@"
expect 'scb_version is exported but declared in no public header' 's/scb_version(/scb_version_of(/' "$@"
expect 'scabbard::Store::write is declared but not exported' 's/Result<void> read(/Result<void> write(/' "$@"
expect 'scabbard::Store::read is exported but declared in no public header' 's/Result<void> read(/Result<void> write(/' "$@"
expect 'scabbard::open_store: 2 overloads declared, 1 exported' \
  's/^SCABBARD_API .*open_store(.*$/&\nResult<std::shared_ptr<Store>> open_store(int number = {});/' "$@"
