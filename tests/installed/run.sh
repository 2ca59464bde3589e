#!/bin/sh
# Installs what `make build` built into a folder of its own, moves that folder, and uses it from there as another
# project would: the examples by find_package and by pkg-config, with the shared and with the static library.
#
#   run.sh BUILD
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { echo "== $*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }

say "Installing"
cmake --install "$build" --prefix "$work/there" >"$work/log" || { cat "$work/log"; exit 1; }
mv "$work/there" "$work/prefix"
prefix=$work/prefix
libdir=$(dirname "$(dirname "$(cd "$prefix" && find lib* -name scabbard.pc)")")

say "What is installed"
(cd "$prefix" && find . ! -type d) | sed "s|^\./||; s|^$libdir/|LIB/|" | LC_ALL=C sort >"$work/installed"
diff -u tests/installed/files.txt "$work/installed" || fail "other files were installed than tests/installed/files.txt lists"
# Go writes the sources' folder into a plugin unless it gets -trimpath, as the manager did or did not: that has to agree.
if grep -rlF -e "$root" -e "$work" --exclude='plugin-*.so' "$prefix"; then fail "these name a folder of this machine"; fi
readelf -d "$prefix/bin/scabbard" "$prefix/$libdir"/libscabbard.so "$prefix/$libdir"/scabbard/plugins/*.so |
  grep -E 'R(UN)?PATH' && fail "a path to libraries is built in"

export LD_LIBRARY_PATH="$prefix/$libdir" PKG_CONFIG_PATH="$prefix/$libdir/pkgconfig" CMAKE_PREFIX_PATH="$prefix"
export PATH="$prefix/bin:$PATH" GOFLAGS=-buildvcs=false CGO_ENABLED=1
store=$work/store
mkdir "$work/bin"
head -c 100000 /dev/urandom >"$work/file"
tail -c 32 "$work/file" | od -An -v -tx1 | tr -d '\n' >"$work/tail"

# use KEEP TAILS: stores with one program, reads with the other.
use() {
  rm -rf "$store"
  mkdir "$store"
  "$1" "$store" "$work/file" sealed/s-t01000-1 >"$work/out"
  cmp "$store/sealed/s-t01000-1" "$work/file"
  grep -qF "ends with:$(cut -c 49- "$work/tail")" "$work/out" || fail "$1 printed: $(cat "$work/out")"
  "$2" "$store" >"$work/out"
  grep -qxF "sealed/s-t01000-1: 100000 bytes, the last$(cat "$work/tail")" "$work/out" || fail "$2 printed: $(cat "$work/out")"
}

for library in scabbard scabbard_static; do
  say "find_package, scabbard::$library"
  for example in c cpp; do
    cp -r "examples/$example" "$work/$library-$example"
    sed -i "s/scabbard::scabbard)/scabbard::$library)/" "$work/$library-$example/CMakeLists.txt"
    cmake -S "$work/$library-$example" -B "$work/$library-$example/build" >"$work/log" &&
      cmake --build "$work/$library-$example/build" >>"$work/log" || { cat "$work/log"; exit 1; }
  done
  use "$work/$library-c/build/keep" "$work/$library-cpp/build/tails"
done
ldd "$work/scabbard_static-c/build/keep" | grep scabbard && fail "the static library was asked for"

for libs in "$(pkg-config --libs scabbard)" "$(pkg-config --libs --static scabbard | sed 's/-lscabbard/-l:libscabbard.a/')"; do
  say "pkg-config, $(echo "$libs" | sed "s|$work/||g")"
  # shellcheck disable=SC2046,SC2086
  cc -std=c99 -Wall -Wextra -Wpedantic -Werror examples/c/keep.c $(pkg-config --cflags scabbard) $libs -o "$work/bin/keep"
  # shellcheck disable=SC2046,SC2086
  c++ -std=c++23 -Wall -Wextra -Wpedantic -Werror examples/cpp/tails.cpp $(pkg-config --cflags scabbard) $libs -o "$work/bin/tails"
  use "$work/bin/keep" "$work/bin/tails"
done

say "Go"
# A copy: Go keeps what it has built of a folder, the paths that pkg-config gave included.
cp -r examples/go "$work/go"
(cd "$work/go" && go vet . && go build -o "$work/bin/receive" .)
"$work/bin/receive" "$store" unsealed/piece <"$work/file" >"$work/out"
cmp "$store/unsealed/piece" "$work/file"
grep -qx 'unsealed/piece: 100000 bytes' "$work/out" || fail "receive printed: $(cat "$work/out")"

say "A program that is built with too old a C++ is told so"
if echo '#include <scabbard/store.hpp>' | c++ -std=c++17 -fsyntax-only $(pkg-config --cflags scabbard) -x c++ - 2>"$work/out"; then
  fail "it was accepted"
fi
grep -q "need C++23" "$work/out" || { cat "$work/out"; exit 1; }

say "The executable, its page and its completions"
scabbard --version >/dev/null
scabbard ls "$store" >/dev/null
man -l "$prefix/share/man/man1/scabbard.1" 2>/dev/null | grep -q 'scabbard init' || grep -q 'scabbard init' "$prefix/share/man/man1/scabbard.1" ||
  fail "the manual page lacks scabbard init"
bash -n "$prefix/share/bash-completion/completions/scabbard"

say "The same below DESTDIR"
DESTDIR=$work/package cmake --install "$build" --prefix /usr >"$work/log" || { cat "$work/log"; exit 1; }
[ -x "$work/package/usr/bin/scabbard" ] || fail "DESTDIR was not honoured"
echo "installed: passed"
