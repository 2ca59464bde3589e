#!/bin/sh
# The library exports exactly the functions that the header declares.
#
#   exports.sh NM LIBRARY HEADER
set -eu
exported=$("$1" --dynamic --defined-only --format=posix "$2" | cut -d ' ' -f 1 | LC_ALL=C sort)
declared=$(tr '\n' ' ' <"$3" | grep -o 'SCB_API [^(;]*scb_[a-z0-9_]*(' | sed 's/.*[ *]\(scb_[a-z0-9_]*\)($/\1/' |
  LC_ALL=C sort)
[ -n "$declared" ] || { echo "found no function in $3"; exit 1; }
if [ "$exported" != "$declared" ]; then
  echo "declared in $3 and exported by $2 differ:"
  { echo "$exported" | sed 's/$/ exported/'; echo "$declared" | sed 's/$/ declared/'; } |
    awk '{ seen[$1]++; how[$1] = $2 } END { for (name in seen) if (seen[name] == 1) print "  " name " is only " how[name] }'
  exit 1
fi
echo "$(echo "$declared" | wc -l) functions, declared and exported"
