#include "scenario_operation.hpp"

#include <map>
#include <set>
#include <vector>

#include "base/crc32c.hpp"
#include "support/byte_patterns.hpp"
#include "support/source_file.hpp"
#include "support/whole_objects.hpp"

namespace scabbard {
namespace {

using scripted::scenario_object;
using scripted::ScriptedServer;

struct Act {
  const scripted::Scenario& scenario;
  const Context& ctx;
  Store& store;
  ScriptedServer& server;

  const scripted::Operation& wanted() const { return scenario.operation; }
  const std::string& object() const { return scenario.operation.object; }
  std::uint64_t size() const { return scenario.objects.contains(object()) ? scenario.objects.at(object()) : 0; }
};

Result<void> wrong(const std::string& how) { return fail(ErrorCode::kCorrupt, "WRONG RESULT: " + how); }

Result<void> compare(std::string_view expected, std::string_view actual) {
  if (expected == actual) return {};
  return wrong(describe_difference(std::as_bytes(std::span(expected)), std::as_bytes(std::span(actual))));
}

// What the server has now.
Result<void> compare_object(const Act& act, const std::string& name, std::uint64_t size) {
  const auto there = act.server.s3().object(name);
  return there ? compare(scenario_object(size), *there) : wrong(name + " is not there");
}

Result<void> stat(const Act& act) {
  auto info = act.store.stat(act.ctx, act.object());
  if (!info) return fail(info.error());
  return info->size == act.size() ? Result<void>() : wrong("size");
}

Result<void> get(const Act& act) {
  auto text = get_text(act.store, act.ctx, act.object());
  if (!text) return fail(text.error());
  return compare(scenario_object(act.size()), *text);
}

Result<void> read(const Act& act) {
  const std::uint64_t size = act.wanted().range_size;
  const auto offset_of = [size](std::uint64_t i) { return i * (size + 1); };
  std::vector<Bytes> memory(act.wanted().ranges, Bytes(size));
  std::vector<RangeRead> entries;
  for (std::size_t i = 0; i < memory.size(); ++i) {
    RangeRead& entry = entries.emplace_back();
    entry.object = act.object();
    entry.offset = static_cast<std::int64_t>(offset_of(i));
    entry.into = memory[i];
  }
  if (auto asked = act.store.read(act.ctx, entries); !asked) return asked;
  const std::string all = scenario_object(act.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!entries[i].got) return fail(entries[i].got.error());
    const std::string expected = offset_of(i) < all.size() ? all.substr(offset_of(i), size) : "";
    const std::string actual = to_text(std::span(memory[i]).first(*entries[i].got));
    if (auto same = compare(expected, actual); !same) return same;
  }
  return {};
}

Result<void> put(const Act& act, std::optional<std::uint64_t> length) {
  const std::string bytes = scenario_object(act.wanted().size);
  auto written = put_text(act.store, act.ctx, act.object(), bytes,
                          {.exclusive = act.wanted().exclusive, .length = length, .progress = nullptr});
  if (!written) return fail(written.error());
  if (written->size != bytes.size()) return wrong("size");
  return compare_object(act, act.object(), bytes.size());
}

Result<void> put_file(const Act& act) {
  const std::string bytes = scenario_object(act.wanted().size);
  const SourceFile source(std::as_bytes(std::span(bytes)));
  auto written = act.store.put_file(act.ctx, act.object(), source.whole(),
                                    {.exclusive = act.wanted().exclusive, .length = {}, .progress = nullptr});
  if (!written) return fail(written.error());
  if (written->size != bytes.size() || written->crc32c != crc32c(std::as_bytes(std::span(bytes)))) {
    return wrong("size or sum");
  }
  return compare_object(act, act.object(), bytes.size());
}

Result<void> list(const Act& act) {
  auto entries = list_entries(act.store, act.ctx);
  if (!entries) return fail(entries.error());
  std::map<std::string, std::uint64_t> sizes;
  for (const auto& [name, entry] : *entries) sizes[name] = entry.info.size;
  return sizes == act.scenario.objects ? Result<void>() : wrong("other objects");
}

Result<void> remove(const Act& act) {
  if (auto removed = act.store.remove(act.ctx, act.object()); !removed) return removed;
  return act.server.s3().object(act.object()) ? wrong("it is still there") : Result<void>();
}

Result<void> remove_many(const Act& act) {
  std::vector<ObjectRemoval> removals;
  for (const auto& [object, size] : act.scenario.objects) removals.push_back({.object = object});
  act.store.remove_many(act.ctx, removals);
  for (const ObjectRemoval& removal : removals) {
    if (!removal.result) return removal.result;
    if (act.server.s3().object(removal.object)) return wrong(removal.object + " is still there");
  }
  return {};
}

Result<void> copy(const Act& act) {
  std::vector<ObjectCopy> copies = {{.source = act.object(), .object = "copy of " + act.object()}};
  act.store.copy_many_from(act.ctx, act.store, copies);
  if (!copies.front().result) return fail(copies.front().result.error());
  return compare_object(act, copies.front().object, act.size());
}

}  // namespace

Result<void> carry_out(const scripted::Scenario& scenario, const Context& ctx, Store& store, ScriptedServer& server) {
  const Act act{scenario, ctx, store, server};
  const std::string& kind = scenario.operation.kind;
  if (kind == "stat") return stat(act);
  if (kind == "get") return get(act);
  if (kind == "read") return read(act);
  if (kind == "put") return put(act, act.wanted().size);
  if (kind == "put_stream") return put(act, std::nullopt);
  if (kind == "put_file") return put_file(act);
  if (kind == "list") return list(act);
  if (kind == "remove") return remove(act);
  if (kind == "remove_many") return remove_many(act);
  return copy(act);
}

}  // namespace scabbard
