#!/bin/sh
# Compares the C interface with the committed one, or makes it the committed one.
#
#   abi.sh check|accept CC HEADER BASELINE
#
# What is described is a library made from the header alone, every function empty: so there is nothing in it but
# the C interface (the real one drags in the C++ behind the handles), and the codes and flags, which no
# function's type mentions, are part of it. exports.sh sees to it that the real library has these functions.
set -eu
cc=$2
header=$3
baseline=$4
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

# describe FILE: the interface as XML, without a path of this machine.
describe() {
  version=$(sed -n 's/^#define SCB_ABI_VERSION //p' "$header")
  awk '/^SCB_API/ { open = 1 } open && /;$/ { sub(/;$/, " { __builtin_trap(); }"); open = 0 } { print }' \
    "$header" >"$work/scabbard.c"
  (cd "$work" && "$cc" -std=c99 -g -fno-eliminate-unused-debug-types -fdebug-prefix-map="$work"=. -fPIC -shared \
    -Wl,-soname,"libscabbard.so.$version" -o libscabbard.so scabbard.c)
  abidw --load-all-types --no-architecture --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed \
    --no-parameter-names --type-id-style hash --out-file "$1" "$work/libscabbard.so"
}

if [ "$1" = accept ]; then
  describe "$baseline"
  echo "$baseline is the C interface now"
  exit
fi

describe "$work/current.xml"
if ! abidiff --no-show-locs --non-reachable-types --no-added-syms "$baseline" "$work/current.xml"; then
  echo
  echo "The C interface changed: programs that were built with it may break. If that is meant, raise SCB_ABI_VERSION"
  echo "in scabbard.h (once for a release), then run: make abi-accept"
  exit 1
fi
if ! abidiff --no-show-locs --non-reachable-types "$baseline" "$work/current.xml"; then
  echo
  echo "The C interface grew; no program breaks. Record it, so that it stays: make abi-accept"
  exit 1
fi
