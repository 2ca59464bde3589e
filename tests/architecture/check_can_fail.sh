#!/bin/sh
# The check of the rooms finds what it is there to find: each case plants one fault in a small sound tree and
# expects the one line that names it.
#
#   check_can_fail.sh CHECK
set -eu
check=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0

file() { # file PATH LINE...
  mkdir -p "$tree/$(dirname "$1")"
  path=$1
  shift
  printf '%s\n' "$@" >"$tree/$path"
}

sound_tree() {
  rm -rf "$tree"
  file include/scabbard/store.hpp '#include <string>' '#include "scabbard/error.hpp"'
  file include/scabbard/error.hpp '#include <expected>'
  file cpp/base/text.hpp '#include "scabbard/error.hpp"'
  file cpp/net/engine.hpp '#include "base/text.hpp"'
  file cpp/store/ranges.hpp '#include "base/text.hpp"' '#include "scabbard/store.hpp"'
  file cpp/store/registry.cpp '#include "store/posix/posix_store.hpp"' '#include "store/s3/s3_store.hpp"'
  file cpp/store/posix/posix_store.hpp '#include "store/ranges.hpp"'
  file cpp/store/s3/s3_store.hpp '#include "net/engine.hpp"' '#include "store/ranges.hpp"'
  file cpp/store/http/http_store.hpp '#include "net/engine.hpp"'
  file cpp/capi/capi.cpp '#include "base/text.hpp"' '#include "scabbard/store.hpp"'
  file cpp/cli/main.cpp '#include <CLI/CLI.hpp>' '#include "store/ranges.hpp"'
  file cpp/CMakeLists.txt 'scabbard_room(base fmt::fmt)' 'scabbard_room(net scabbard_base)' \
    'scabbard_room(store scabbard_net)' 'scabbard_room(capi scabbard_store)' \
    'scabbard_room(cli scabbard_store)'
}

case_passes() { # case_passes NAME
  if said=$(sh "$check" "$tree"); then return; fi
  echo "FAILED $1: the check complains: $said"
  failures=$((failures + 1))
}

case_fails() { # case_fails NAME EXPECTED, sorted
  if said=$(sh "$check" "$tree"); then
    echo "FAILED $1: the check found nothing"
    failures=$((failures + 1))
    return
  fi
  said=$(echo "$said" | LC_ALL=C sort)
  if [ "$said" != "$2" ]; then
    echo "FAILED $1:"
    echo "  expected: $2"
    echo "  said:     $said"
    failures=$((failures + 1))
  fi
}

sound_tree
case_passes sound_tree

sound_tree
file include/scabbard/error.hpp '#include "base/text.hpp"'
case_fails include_of_a_room_in_a_public_header \
  'include/scabbard/error.hpp:1: #include "base/text.hpp": include may not include base'

sound_tree
file cpp/base/text.hpp '#include "scabbard/error.hpp"' '' '  #  include   <store/ranges.hpp>'
case_fails include_in_angle_brackets_with_spaces \
  'cpp/base/text.hpp:3: #include "store/ranges.hpp": base may not include store'

sound_tree
file cpp/store/posix/posix_store.hpp '#include "net/engine.hpp"'
case_fails posix_and_net \
  'cpp/store/posix/posix_store.hpp:1: #include "net/engine.hpp": store/posix may not include net'

sound_tree
file cpp/store/http/http_store.hpp '#include "../s3/s3_store.hpp"'
case_fails path_around_the_rooms \
  'cpp/store/http/http_store.hpp:1: #include "../s3/s3_store.hpp" names no file of include/ or cpp/'

sound_tree
file cpp/store/http/http_store.hpp '#include "store/s3/s3_store.hpp"'
case_fails http_and_s3 \
  'cpp/store/http/http_store.hpp:1: #include "store/s3/s3_store.hpp": store/http may not include store/s3'

sound_tree
file cpp/capi/capi.cpp '#include "store/posix/posix_store.hpp"'
case_fails backend_past_the_interface \
  'cpp/capi/capi.cpp:1: #include "store/posix/posix_store.hpp": capi may not include store/posix'

sound_tree
file cpp/capi/handles.hpp '#include <memory>'
file cpp/cli/main.cpp '#include "capi/handles.hpp"'
case_fails cli_and_capi 'cpp/cli/main.cpp:1: #include "capi/handles.hpp": cli may not include capi'

sound_tree
file cpp/util/misc.hpp '#include <string>'
case_fails unknown_room 'cpp/util/misc.hpp:1: lies in no room: the order of the rooms does not know util'

sound_tree
file cpp/sector/names.hpp '#include "store/ranges.hpp"'
case_fails room_without_target 'cpp/CMakeLists.txt:1: room sector is no target: scabbard_room(sector ...) is missing
cpp/sector/names.hpp:1: room sector includes store but its target does not link it'

sound_tree
file cpp/CMakeLists.txt 'scabbard_room(base scabbard_net)' 'scabbard_room(net scabbard_base)' \
  'scabbard_room(store scabbard_net)' 'scabbard_room(capi scabbard_store)' \
  'scabbard_room(cli scabbard_store)'
case_fails link_against_the_order 'cpp/CMakeLists.txt:1: room base may not link net'

sound_tree
file cpp/CMakeLists.txt 'scabbard_room(base)' 'scabbard_room(net scabbard_base)' \
  'scabbard_room(store scabbard_base)' 'scabbard_room(capi scabbard_store)' \
  'scabbard_room(cli scabbard_store)'
case_fails include_without_link 'cpp/store/http/http_store.hpp:1: room store includes net but its target does not link it
cpp/store/s3/s3_store.hpp:1: room store includes net but its target does not link it'

sound_tree
rm -r "$tree/include" "$tree/cpp"
mkdir -p "$tree/include" "$tree/cpp"
: >"$tree/cpp/CMakeLists.txt"
case_fails empty_tree 'cpp:1: found nothing to check'

[ "$failures" = 0 ] && echo "every planted fault was found"
