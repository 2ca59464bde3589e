#include "fault/undertakings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "store/object_name.hpp"
#include "store/posix/durable_file.hpp"
#include "support/byte_patterns.hpp"
#include "support/result_matchers.hpp"
#include "support/source_file.hpp"
#include "support/whole_objects.hpp"

namespace scabbard::posix {
namespace {

// More than a writer's buffer, so that it takes several calls.
const Bytes& old_bytes() {
  static const Bytes bytes = pattern_bytes(10, kMiB + 4'321);
  return bytes;
}
const Bytes& new_bytes() {
  static const Bytes bytes = pattern_bytes(11, 2 * kMiB + 1'234);
  return bytes;
}

// In every scene, beside what the undertaking is about.
const std::map<std::string, Bytes>& neighbours() {
  static const std::map<std::string, Bytes> objects = {{"beside", to_bytes("one")},
                                                       {"cache/s-t01000-1/p_aux", to_bytes("two")},
                                                       {"sealed/s-t01000-1", to_bytes("three")}};
  return objects;
}

template <class T>
Result<void> without_value(Result<T> result) {
  if (!result) return fail(std::move(result.error()));
  return {};
}

Result<void> same(std::span<const std::byte> expected, std::span<const std::byte> actual) {
  if (std::ranges::equal(expected, actual)) return {};
  return fail(ErrorCode::kCorrupt, describe_difference(expected, actual));
}

Result<void> put(Store& store, const Context& ctx, const std::string& object, const CreateOptions& options = {}) {
  return without_value(put_bytes(store, ctx, object, new_bytes(), options));
}

Result<void> put_source(Store& store, const Context& ctx, const std::string& object,
                        const CreateOptions& options = {}) {
  const SourceFile source(new_bytes(), TemporaryFolder::Where::kMemory);
  return without_value(store.put_file(ctx, object, source.whole(), options));
}

// A page of data, a mebibyte of hole, a page of data, a hole.
Bytes holed_bytes() {
  const Bytes page = pattern_bytes(12, 4096);
  Bytes bytes(3 * kMiB);
  std::ranges::copy(page, bytes.begin());
  std::ranges::copy(page, bytes.begin() + kMiB);
  return bytes;
}

Result<void> put_holed_source(Store& store, const Context& ctx, const std::string& object) {
  SourceFile source({}, TemporaryFolder::Where::kMemory);
  const Bytes page = pattern_bytes(12, 4096);
  source.write(0, page);
  source.write(kMiB, page);
  source.resize(3 * kMiB);
  return without_value(store.put_file(ctx, object, source.whole()));
}

// Refused, as it has to be.
Result<void> refused(Result<void> result) {
  if (result) return fail(ErrorCode::kCorrupt, "an exclusive put has replaced an object");
  if (result.error().code == ErrorCode::kAlreadyExists) return {};
  return result;
}

Result<void> get(Store& store, const Context& ctx, const std::string& object) {
  auto bytes = get_bytes(store, ctx, object);
  if (!bytes) return fail(std::move(bytes.error()));
  return same(old_bytes(), *bytes);
}

Result<void> copy_out(Store& store, const Context& ctx, const std::string& object) {
  auto reader = store.open(ctx, object);
  if (!reader) return fail(std::move(reader.error()));
  const SourceFile target({}, TemporaryFolder::Where::kMemory);
  auto copied = (*reader)->copy_to(ctx, target.descriptor());
  if (!copied) return fail(std::move(copied.error()));
  Bytes bytes(old_bytes().size());
  if (::pread(target.descriptor(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) bytes.clear();
  return same(old_bytes(), bytes);
}

Result<void> read_ranges(Store& store, const Context& ctx, const std::string& object) {
  Bytes first(5000);
  Bytes last(5000);
  std::array<RangeRead, 3> entries;
  entries[0] = {.object = object, .offset = 100, .into = first, .if_version = {}, .version = {}};
  entries[1] = {.object = object, .offset = -5000, .into = last, .if_version = {}, .version = {}};
  entries[2] = {.object = object, .offset = 0, .into = {}, .if_version = {}, .version = {}};
  if (auto read = store.read(ctx, entries); !read) {
    // The context's error is the queue's; it names no object.
    read.error().message += " (\"" + object + "\")";
    return read;
  }
  for (const RangeRead& entry : entries) {
    if (!entry.got) return fail(entry.got.error());
    if (*entry.got != entry.into.size() || entry.object_size != old_bytes().size()) {
      return fail(ErrorCode::kCorrupt, "a range is short");
    }
  }
  if (auto begin = same(slice(old_bytes(), 100, 5000), first); !begin) return begin;
  return same(slice(old_bytes(), old_bytes().size() - 5000, 5000), last);
}

// So many that they are synced together. One that failed leaves nothing, and does not concern the others.
Result<void> copy_many(Store& store, const Context& ctx, const std::string& object) {
  std::vector<ObjectCopy> copies = {{.source = "beside", .object = object}};
  for (int i = 0; i < 8; ++i) copies.push_back({.source = "beside", .object = "many/" + std::to_string(i)});
  store.copy_many_from(ctx, store, copies);
  for (const ObjectCopy& copy : std::span(copies).subspan(1)) {
    std::ifstream file(std::filesystem::path(store.config().path) / copy.object, std::ios::binary);
    const bool is_there = file.is_open();
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const bool is_whole = to_bytes(text) == neighbours().at("beside");
    if (is_there != is_whole || (copy.result && !is_there)) return fail(ErrorCode::kCorrupt, copy.object + " is torn");
  }
  return without_value(std::move(copies[0].result));
}

Result<void> list(Store& store, const Context& ctx, const std::string& object) {
  auto names = list_names(store, ctx);
  if (!names) return fail(std::move(names.error()));
  std::set<std::string> expected = {object};
  for (const auto& [name, bytes] : neighbours()) expected.insert(name);
  if (*names != expected) return fail(ErrorCode::kCorrupt, "the listing is not complete");
  return {};
}

// The leftover of a writer that is no more; where something fails the sweep may leave it.
Result<void> sweep(Store& store, const Context& ctx) {
  const std::string leftover = store.location("cache/s-t01000-1/") + temporary_prefix_of_host() + "999999999-0";
  std::ofstream(leftover) << "left over";
  auto swept = store.sweep(ctx);
  ::unlink(leftover.c_str());
  return without_value(std::move(swept));
}

std::vector<Undertaking> all() {
  const std::string object = "sealed/s-t01000-7";
  const std::string deep = "update-cache/s-t01000-7/deep/t_aux";
  const CreateOptions exclusively = {.exclusive = true, .length = {}};
  const CreateOptions announced = {.exclusive = false, .length = new_bytes().size()};
  std::vector<Undertaking> list_of;
  const auto add = [&](std::string name, std::string about, std::optional<Bytes> before, std::optional<Bytes> after,
                       std::function<Result<void>(Store&, const Context&)> run, std::string source = {}) {
    list_of.push_back(
        {std::move(name), std::move(about), std::move(before), std::move(after), std::move(run), std::move(source)});
  };
  add("put", object, {}, new_bytes(), [=](Store& s, const Context& c) { return put(s, c, object, announced); });
  add("put_into_new_folders", deep, {}, new_bytes(), [=](Store& s, const Context& c) { return put(s, c, deep); });
  add("replace", object, old_bytes(), new_bytes(), [=](Store& s, const Context& c) { return put(s, c, object); });
  add("put_exclusively", object, {}, new_bytes(),
      [=](Store& s, const Context& c) { return put(s, c, object, exclusively); });
  add("put_exclusively_over_an_object", object, old_bytes(), old_bytes(),
      [=](Store& s, const Context& c) { return refused(put(s, c, object, exclusively)); });
  add("put_file", object, {}, new_bytes(), [=](Store& s, const Context& c) { return put_source(s, c, object); });
  add("replace_by_file", object, old_bytes(), new_bytes(),
      [=](Store& s, const Context& c) { return put_source(s, c, object); });
  add("put_file_with_holes", object, {}, holed_bytes(),
      [=](Store& s, const Context& c) { return put_holed_source(s, c, object); });
  add(
      "copy", object, old_bytes(), neighbours().at("beside"),
      [=](Store& s, const Context& c) { return without_value(s.copy_from(c, object, s, "beside")); }, "beside");
  add(
      "copy_many", object, old_bytes(), neighbours().at("beside"),
      [=](Store& s, const Context& c) { return copy_many(s, c, object); }, "beside");
  add("get", object, old_bytes(), old_bytes(), [=](Store& s, const Context& c) { return get(s, c, object); });
  add("copy_to_a_file", object, old_bytes(), old_bytes(),
      [=](Store& s, const Context& c) { return copy_out(s, c, object); });
  add("read_ranges", object, old_bytes(), old_bytes(),
      [=](Store& s, const Context& c) { return read_ranges(s, c, object); });
  add("stat", object, old_bytes(), old_bytes(),
      [=](Store& s, const Context& c) { return without_value(s.stat(c, object)); });
  add("list", object, old_bytes(), old_bytes(), [=](Store& s, const Context& c) { return list(s, c, object); });
  add("remove", object, old_bytes(), {}, [=](Store& s, const Context& c) { return s.remove(c, object); });
  add("sweep", object, old_bytes(), old_bytes(), [](Store& s, const Context& c) { return sweep(s, c); });
  return list_of;
}

bool is_about_the_store(const Undertaking& undertaking) {
  return undertaking.name == "list" || undertaking.name == "sweep";
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Undertaking& undertaking) { return out << undertaking.name; }

const std::vector<Undertaking>& undertakings() {
  static const std::vector<Undertaking> list_of = all();
  return list_of;
}

Scene::Scene(const Undertaking& undertaking, Settings::Guard guard, Clock& clock) : undertaking_(undertaking) {
  const std::string root = folder_.string();
  store_ = value_of(open_store({.name = "scene", .path = root, .meta = {}}, root,
                               {.guard = guard, .calls = &calls_, .clock = &clock}));
  for (const auto& [object, bytes] : neighbours()) value_of(put_bytes(*store_, Context(), object, bytes));
  if (undertaking.before) value_of(put_bytes(*store_, Context(), undertaking.object, *undertaking.before));
}

Result<void> Scene::run(const Context& ctx) {
  auto outcome = undertaking_.run(*store_, ctx);
  store_->close();
  store_.reset();
  return outcome;
}

void Scene::expect_whole(const Result<void>& outcome, bool may_hide_success) {
  EXPECT_THAT(calls_.open_descriptors(), ::testing::IsEmpty());
  const std::string root = folder_.string();
  const auto plain =
      value_of(open_store({.name = "plain", .path = root, .meta = {}}, root, {.guard = Settings::Guard::kNever}));
  for (const auto& [object, bytes] : neighbours()) EXPECT_EQ(look_at(*plain, Context(), object), bytes) << object;

  const auto content = look_at(*plain, Context(), undertaking_.object);
  const bool is_before = content == undertaking_.before;
  const bool is_after = content == undertaking_.after;
  EXPECT_TRUE(is_before || is_after) << "the object is torn or lost: "
                                     << (content ? std::to_string(content->size()) + " bytes" : "missing");
  if (outcome) {
    EXPECT_TRUE(is_after) << "the success is none";
    return;
  }
  EXPECT_NE(outcome.error().code, ErrorCode::kCorrupt) << outcome.error().message;
  const std::string& message = outcome.error().message;
  if (!is_about_the_store(undertaking_)) {
    const auto names = [](const std::string& object) { return ::testing::HasSubstr("\"" + object + "\""); };
    EXPECT_THAT(message, ::testing::AnyOf(names(undertaking_.object), names(undertaking_.source)));
  }
  if (!is_before && !may_hide_success) {
    // That it is done, but perhaps not for good; or that it was left behind on its way.
    EXPECT_THAT(message, ::testing::AnyOf(::testing::HasSubstr("sync the folder"), ::testing::HasSubstr("may still")));
  }
}

void Scene::expect_no_leftovers() {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
    EXPECT_FALSE(entry.path().filename().string().starts_with(kTemporaryPrefix)) << "left over: " << entry.path();
  }
}

}  // namespace scabbard::posix
