#!/bin/sh
# abi.sh notices what breaks programs, and what only adds to the interface.
#
#   abi_can_fail.sh ABI_SH CC HEADER
set -eu
abi=$1
cc=$2
header=$3
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

# expect MESSAGE SED_SCRIPT: the header, changed so, is refused with that message.
expect() {
  sed "$2" "$header" >"$work/changed.h"
  cmp -s "$header" "$work/changed.h" && { echo "$2 changes nothing"; exit 1; }
  if found=$(sh "$abi" check "$cc" "$work/changed.h" "$work/abi.xml"); then
    echo "not noticed: $2"
    exit 1
  fi
  echo "$found" | grep -qF "$1" || { echo "wanted: $1"; echo "$found"; exit 1; }
}

sh "$abi" accept "$cc" "$header" "$work/abi.xml" >/dev/null
sh "$abi" check "$cc" "$header" "$work/abi.xml"
# A function gone, a structure grown, a member of another type, a parameter of another type, a code renumbered.
expect 'The C interface changed' 's/scb_version(void)/scb_release(void)/'
expect 'The C interface changed' 's/^  int32_t has_crc32c;/  int64_t extra;\n&/'
expect 'The C interface changed' 's/^  int32_t is_folder;/  int64_t is_folder;/'
expect 'The C interface changed' 's/scb_reader_seek(scb_reader \*reader, uint64_t offset)/scb_reader_seek(scb_reader *reader, uint32_t offset)/'
expect 'The C interface changed' 's/SCB_EIO = 16/SCB_EIO = 18/'
expect 'The C interface grew' 's/^SCB_API void scb_shutdown(void);/&\nSCB_API void scb_start(void);/'
