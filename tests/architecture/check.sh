#!/bin/sh
# Checks that every #include points along the order of the rooms (docs/architecture.md), and that each room is
# one CMake target whose link list says the same.
#
#   check.sh ROOT
#
# Prints a line "file:line: what is wrong" for each finding and fails; prints what it looked at otherwise.
# Needs find and awk only.
set -eu
cd "$1"

find include cpp -type f \( -name '*.h' -o -name '*.hpp' -o -name '*.cpp' \) | sort | awk '
  # What each room may include besides itself. A backend is a room inside store: the rooms that stand on
  # store meet it through the interface only, store alone names it, in its registry.
  BEGIN {
    allow("include", "")
    allow("base", "include")
    allow("net", "include base")
    allow("store", "include base net store/posix store/s3 store/http")
    allow("store/posix", "include base store")
    allow("store/s3", "include base net store")
    allow("store/http", "include base net store")
    allow("sector", "include base net store")
    allow("extproc", "include base net store sector")
    allow("mount", "include base net store sector")
    allow("capi", "include base net store sector")
    allow("cli", "include base net store sector extproc mount")
    findings = 0
  }

  function allow(room, others,   names, i, n) {
    known[room] = 1
    allowed[room, room] = 1
    n = split(others, names, " ")
    for (i = 1; i <= n; i++) allowed[room, names[i]] = 1
  }

  function finding(where, what) {
    print where ": " what
    findings++
  }

  # The room of a file: its folder, or for a backend of store the two folders.
  function room_of(path,   parts, n) {
    if (path ~ /^include\//) return "include"
    n = split(path, parts, "/")
    if (parts[1] != "cpp" || n < 3) return ""
    if (parts[2] == "store" && n > 3) return "store/" parts[3]
    return parts[2]
  }

  function folder_of(path) { sub(/\/[^\/]*$/, "", path); return path }

  # The file an #include means, "" for one of the system.
  function resolve(from, name, quoted_name) {
    if (("include/" name) in file) return "include/" name
    if (("cpp/" name) in file) return "cpp/" name
    if (quoted_name && (folder_of(from) "/" name) in file) return folder_of(from) "/" name
    return ""
  }

  { file[$0] = 1; order[++files] = $0 }

  function check_includes(path,   room, line, number, name, is_quoted, target, other, code) {
    room = room_of(path)
    if (!(room in known)) {
      finding(path ":1", "lies in no room: the order of the rooms does not know " (room == "" ? "its folder" : room))
      return
    }
    populated[room] = 1
    number = 0
    while ((getline line < path) > 0) {
      number++
      if (line !~ /^[ \t]*#[ \t]*include[ \t]*[<"]/) continue
      includes++
      is_quoted = line ~ /include[ \t]*"/
      name = line
      sub(/^[^<"]*[<"]/, "", name)
      sub(/[>"].*$/, "", name)
      target = resolve(path, name, is_quoted)
      if (target == "") {
        if (is_quoted) finding(path ":" number, "#include \"" name "\" names no file of include/ or cpp/")
        continue
      }
      other = room_of(target)
      if (!((room, other) in allowed))
        finding(path ":" number, "#include \"" name "\": " room " may not include " other)
      else if (other != room) uses[room, other] = path ":" number
    }
    close(path)
  }

  # cpp/CMakeLists.txt: scabbard_room(<room> <libraries>), and what target_link_libraries adds.
  function check_targets(   path, line, number, parts, n, i, room) {
    path = "cpp/CMakeLists.txt"
    number = 0
    while ((getline line < path) > 0) {
      number++
      sub(/#.*/, "", line)
      gsub(/[()]/, " ", line)
      n = split(line, parts, " ")
      if (parts[1] == "scabbard_room") room = parts[2]
      else if (parts[1] == "target_link_libraries" && parts[2] ~ /^scabbard_/) room = substr(parts[2], 10)
      else continue
      if (parts[1] == "scabbard_room") {
        if (room in target) finding(path ":" number, "room " room " is a target twice")
        target[room] = number
      }
      for (i = 3; i <= n; i++) {
        if (parts[i] !~ /^scabbard_/) continue
        links[room, substr(parts[i], 10)] = number
      }
    }
    close(path)
    for (pair in links) {
      split(pair, parts, SUBSEP)
      if (parts[1] in known && parts[2] in known && !((parts[1], parts[2]) in allowed))
        finding(path ":" links[pair], "room " parts[1] " may not link " parts[2])
    }
    for (room in populated) {
      if (room == "include" || room ~ /\//) continue
      if (!(room in target)) finding(path ":1", "room " room " is no target: scabbard_room(" room " ...) is missing")
    }
    for (room in target)
      if (!(room in populated)) finding(path ":" target[room], "target " room " has no folder cpp/" room)
    # What a room includes it also links, itself or through another room.
    for (pair in uses) {
      split(pair, parts, SUBSEP)
      sub(/\/.*/, "", parts[1])
      sub(/\/.*/, "", parts[2])
      if (parts[2] == "include" || parts[1] == parts[2]) continue
      delete seen
      if (!reaches(parts[1], parts[2]))
        finding(uses[pair], "room " parts[1] " includes " parts[2] " but its target does not link it")
    }
  }

  function reaches(from, to,   pair, parts) {
    if ((from, to) in links) return 1
    seen[from] = 1
    for (pair in links) {
      split(pair, parts, SUBSEP)
      if (parts[1] == from && !(parts[2] in seen) && reaches(parts[2], to)) return 1
    }
    return 0
  }

  END {
    for (i = 1; i <= files; i++) check_includes(order[i])
    check_targets()
    if (files == 0 || includes == 0) finding("cpp:1", "found nothing to check")
    if (findings > 0) exit 1
    print files " files, " includes " includes, all along the order of the rooms"
  }
'
