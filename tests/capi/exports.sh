#!/bin/sh
# The library exports exactly the functions that the public headers declare without defining them, in C and
# in C++, and nothing of the libraries it is made with. The headers are read as clang-format leaves them.
#
#   exports.sh NM LIBRARY HEADER...      LIBRARY is libscabbard.so or libscabbard.a
set -eu
nm=$1
library=$2
shift 2

# Qualified names, one line for each overload.
declared=$(awk '
  # Comments and preprocessor lines go; what is left is one text of statements.
  { sub(/\/\/.*/, "") }
  in_comment { if (!sub(/^.*\*\//, "")) next; in_comment = 0 }
  { gsub(/\/\*([^*]|\*[^\/])*\*\//, "") }
  sub(/\/\*.*/, "") { in_comment = 1 }
  /\\$/ || continued { continued = /\\$/; next }
  /^ *#/ { next }
  { text = text " " $0 }
  END { parse(text) }

  function parse(text,   i, c) {
    for (i = 1; i <= length(text); i++) {
      c = substr(text, i, 1)
      parens += (c == "(") - (c == ")")
      if (parens == 0 && c == "{") { opened(statement); statement = "" }
      else if (parens == 0 && c == "}") { closed(); statement = "" }
      else if (parens == 0 && c == ";") { ended(statement); statement = "" }
      else statement = statement c
    }
  }

  # A scope is a namespace or a class; "-" for extern "C", which adds no name; "" where nothing is declared.
  function opened(statement) {
    if (statement ~ /extern "C" *$/) scope[++depth] = "-"
    else if (statement !~ /\(|(^| )enum / && match(statement, /(namespace|class|struct) [^:=]*/)) {
      statement = substr(statement, RSTART, RLENGTH)
      sub(/ (final)? *$/, "", statement)
      sub(/.* /, "", statement)
      scope[++depth] = statement
    } else scope[++depth] = ""
  }

  function closed() { if (depth > 0) depth-- }

  function ended(statement,   i, name) {
    if (statement !~ /\(/ || statement ~ /= *(0|default|delete) *$|(^| )(using|typedef|friend|static_assert)[ (]/) return
    if (statement ~ /^[^(]*=/) return  # a variable and its initializer
    sub(/SCB_API|SCABBARD_API/, "", statement)
    sub(/\(.*/, "", statement)
    sub(/.*[ *&]/, "", statement)
    name = ""
    for (i = 1; i <= depth; i++) {
      if (scope[i] == "") return
      if (scope[i] != "-") name = name scope[i] "::"
    }
    print name statement
  }
' "$@" | LC_ALL=C sort)
[ -n "$declared" ] || { echo "found no function in $*"; exit 1; }

case $library in
  *.a) dynamic= ;;
  *) dynamic=--dynamic ;;
esac
# c++filt knows no option to leave the parameters out that keeps overloads apart, so they are cut afterwards.
exported=$("$nm" $dynamic --extern-only --defined-only --demangle --format=posix "$library" |
  sed -n 's/ [A-Za-z] [0-9a-f].*$//p' | LC_ALL=C sort -u | sed 's/(.*//; s/\[abi:[^]]*\]//' | LC_ALL=C sort)

if [ "$exported" != "$declared" ]; then
  echo "what the headers declare and what $library exports differ:"
  { echo "$declared" | sed 's/$/\tdeclared/'; echo "$exported" | sed 's/$/\texported/'; } |
    awk -F '\t' '
      { count[$1, $2]++; name[$1] }
      END {
        for (n in name) {
          d = count[n, "declared"] + 0
          e = count[n, "exported"] + 0
          if (e == 0) print "  " n " is declared but not exported: is SCABBARD_API or SCB_API missing, or the definition?"
          else if (d == 0) print "  " n " is exported but declared in no public header"
          else if (d != e) print "  " n ": " d " overloads declared, " e " exported"
        }
      }' | LC_ALL=C sort
  exit 1
fi
echo "$(echo "$declared" | wc -l) functions, declared and exported"
