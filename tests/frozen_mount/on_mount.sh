#!/bin/bash
# Runs a command with TMPDIR on a fresh passthrough FUSE mount: on_mount.sh <frozen_mount> <command> [argument...]
# Exits with 77 where FUSE cannot be used here.
set -u
daemon=$1
shift
if [ ! -w /dev/fuse ] || ! command -v fusermount3 >/dev/null; then
  echo "skipped: needs /dev/fuse and fusermount3" >&2
  exit 77
fi
folder=$(mktemp -d)
mkdir "$folder/backing" "$folder/mount"

# A process substitution and not a pipe: $! is the daemon.
exec {ready}< <(exec "$daemon" "$folder/backing" "$folder/mount")
served=$!
# Killed, so that its helper unmounts, as after every other death.
end() {
  kill -KILL "$served" 2>/dev/null
  wait "$served" 2>/dev/null
  for _ in {1..100}; do
    mountpoint -q "$folder/mount" || break
    sleep 0.02
  done
  rm -rf --one-file-system "$folder"
}
trap end EXIT
if ! read -r -t 10 -u "$ready" _; then
  echo "skipped: the FUSE mount does not come up" >&2
  exit 77
fi
TMPDIR=$folder/mount "$@"
