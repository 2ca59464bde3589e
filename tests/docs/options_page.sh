#!/bin/sh
# docs/options.md is what the option table says.
#
#   options_page.sh SCABBARD PAGE
if "$1" help options --markdown | diff -u "$2" -; then
  exit 0
fi
echo "docs/options.md is not current: build/scabbard help options --markdown >docs/options.md"
exit 1
