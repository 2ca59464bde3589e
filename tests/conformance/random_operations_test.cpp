// Some hundred operations in random order do what they would do to a map.
#include <algorithm>
#include <iterator>
#include <map>
#include <random>

#include "conformance/store_test.hpp"
#include "support/source_file.hpp"

namespace scabbard {
namespace {

constexpr int kOperations = 300;

// The store and what it should hold.
class Comparison {
 public:
  Comparison(Place& place, std::uint64_t seed) : stores_{place.open(), place.open()}, random_(seed) {}

  void run(int operations) {
    for (int i = 0; i < operations && !::testing::Test::HasFailure(); ++i) {
      SCOPED_TRACE("operation " + std::to_string(i));
      one();
    }
  }

  // Everything, looked at through both stores.
  void compare_all() {
    for (const auto& store : stores_) {
      for (const std::string& name : kNames) EXPECT_EQ(look_at(*store, ctx_, name), expected(name)) << name;
      const auto entries = list_entries(*store, ctx_);
      ASSERT_THAT(entries, Succeeds());
      ASSERT_EQ(entries->size(), objects_.size());
      for (const auto& [name, entry] : *entries) EXPECT_EQ(entry.info.size, objects_.at(name).size()) << name;
    }
  }

 private:
  // No name is a folder of another.
  static inline const std::vector<std::string> kNames = {
      "a", "b", "folder/a", "folder/b", "folder/deep/er/a", "\xC3\xBC/ %+", "folder2/a", "z.z"};

  std::uint64_t number(std::uint64_t below) {
    return std::uniform_int_distribution<std::uint64_t>(0, below - 1)(random_);
  }
  const std::string& name() { return kNames[number(kNames.size())]; }
  Store& store() { return *stores_[number(stores_.size())]; }
  Bytes content() {
    constexpr std::size_t kSizes[] = {0, 1, 100, 4096, 70'000, 1'200'000};
    return pattern_bytes(number(UINT64_MAX), kSizes[number(std::size(kSizes))]);
  }
  std::optional<Bytes> expected(const std::string& object) const {
    const auto found = objects_.find(object);
    return found == objects_.end() ? std::nullopt : std::optional(found->second);
  }

  void one() {
    switch (number(11)) {
      case 0:
      case 1:
        return put(false);
      case 2:
        return put(true);
      case 3:
        return put_file(number(3) == 0);
      case 4:
        return give_up();
      case 5:
        return copy();
      case 6:
        return remove();
      case 7:
        return stat();
      case 8:
        return read_range();
      case 9:
        return read_queue();
      case 10:
        return list();
      default:
        return;
    }
  }

  void store_result(const std::string& object, Bytes bytes, bool exclusive, const Result<WriteInfo>& result) {
    SCOPED_TRACE(object);
    if (exclusive && objects_.contains(object)) {
      EXPECT_THAT(result, FailsWith(ErrorCode::kAlreadyExists));
      return;
    }
    ASSERT_THAT(result, Succeeds());
    EXPECT_EQ(result->size, bytes.size());
    objects_[object] = std::move(bytes);
    versions_[object] = result->version;
  }

  void put(bool exclusive) {
    SCOPED_TRACE("put");
    const std::string& object = name();
    Bytes bytes = content();
    const auto result = put_bytes(store(), ctx_, object, bytes, {.exclusive = exclusive, .length = {}});
    store_result(object, std::move(bytes), exclusive, result);
  }

  void put_file(bool exclusive) {
    SCOPED_TRACE("put_file");
    const std::string& object = name();
    Bytes bytes = content();
    const SourceFile source(bytes);
    const auto result = store().put_file(ctx_, object, source.whole(), {.exclusive = exclusive, .length = {}});
    store_result(object, std::move(bytes), exclusive, result);
  }

  void give_up() {
    SCOPED_TRACE("give up");
    auto writer = store().create(ctx_, name());
    ASSERT_THAT(writer, Succeeds());
    EXPECT_THAT((*writer)->write(ctx_, content()), Succeeds());
  }

  void copy() {
    SCOPED_TRACE("copy");
    const std::string& from = name();
    const std::string& to = name();
    const auto result = store().copy_from(ctx_, to, store(), from);
    if (!result && result.error().code == ErrorCode::kUnsupported) return;
    if (!objects_.contains(from)) {
      EXPECT_THAT(result, FailsWith(ErrorCode::kNotFound));
    } else {
      store_result(to, objects_.at(from), false, result);
    }
  }

  void remove() {
    SCOPED_TRACE("remove");
    const std::string& object = name();
    const auto result = store().remove(ctx_, object);
    if (objects_.erase(object) > 0) {
      EXPECT_THAT(result, Succeeds());
    } else {
      EXPECT_THAT(result, FailsWith(ErrorCode::kNotFound));
    }
  }

  void stat() {
    SCOPED_TRACE("stat");
    const std::string& object = name();
    const auto result = store().stat(ctx_, object);
    if (!objects_.contains(object)) {
      EXPECT_THAT(result, FailsWith(ErrorCode::kNotFound));
      return;
    }
    ASSERT_THAT(result, Succeeds());
    EXPECT_EQ(result->size, objects_.at(object).size());
    EXPECT_EQ(result->version, versions_.at(object));
  }

  void read_range() {
    SCOPED_TRACE("read a range");
    const std::string& object = name();
    const auto reader = store().open(ctx_, object);
    if (!objects_.contains(object)) {
      EXPECT_THAT(reader, FailsWith(ErrorCode::kNotFound));
      return;
    }
    ASSERT_THAT(reader, Succeeds());
    const std::uint64_t offset = number(1'300'000);
    Bytes into(number(100'000));
    const auto got = (*reader)->read_at(ctx_, offset, into);
    ASSERT_THAT(got, Succeeds());
    const Bytes expected_range = slice(objects_.at(object), offset, into.size());
    EXPECT_EQ(describe_difference(expected_range, std::span(into).first(*got)), "equal");
  }

  void read_queue() {
    SCOPED_TRACE("read_queue");
    std::vector<Bytes> buffers;
    std::vector<RangeRead> entries;
    for (std::size_t i = 0; i < 20; ++i) {
      buffers.emplace_back(number(5'000));
      const auto offset = static_cast<std::int64_t>(number(100'000)) - 50'000;
      entries.push_back({.object = name(), .offset = offset, .into = buffers.back(), .if_version = {}, .version = {}});
    }
    ASSERT_THAT(store().read(ctx_, entries), Succeeds());
    for (const RangeRead& entry : entries) {
      const std::string object(entry.object);
      SCOPED_TRACE(object + " at " + std::to_string(entry.offset));
      if (!objects_.contains(object)) {
        EXPECT_THAT(entry.got, FailsWith(ErrorCode::kNotFound));
        continue;
      }
      ASSERT_THAT(entry.got, Succeeds());
      const Bytes& bytes = objects_.at(object);
      const auto size = static_cast<std::int64_t>(bytes.size());
      const std::int64_t begin = entry.offset >= 0 ? entry.offset : std::max<std::int64_t>(0, size + entry.offset);
      EXPECT_EQ(describe_difference(slice(bytes, static_cast<std::size_t>(begin), entry.into.size()),
                                    entry.into.first(*entry.got)),
                "equal");
      EXPECT_EQ(entry.version, versions_.at(object));
    }
  }

  void list() {
    SCOPED_TRACE("list");
    const std::string folder = number(2) == 0 ? "" : "folder";
    const bool recursive = number(2) == 0;
    std::set<std::string> names;
    for (const auto& [object, bytes] : objects_) {
      const std::string below = folder.empty() ? "" : folder + "/";
      if (!object.starts_with(below)) continue;
      const auto slash = object.find('/', below.size());
      names.insert(recursive || slash == std::string::npos ? object : object.substr(0, slash + 1));
    }
    const auto listed = list_names(store(), ctx_, {.folder = folder, .recursive = recursive});
    ASSERT_THAT(listed, Succeeds());
    std::set<std::string> extra;
    std::ranges::set_difference(*listed, names, std::inserter(extra, extra.end()));
    EXPECT_THAT(*listed, ::testing::IsSupersetOf(names));
    // Folders may outlive their last object.
    for (const std::string& object : extra) EXPECT_TRUE(object.ends_with('/')) << object;
  }

  const Context ctx_ = Context().with_timeout(std::chrono::minutes(2));
  std::vector<std::shared_ptr<Store>> stores_;
  std::mt19937_64 random_;
  std::map<std::string, Bytes> objects_;
  std::map<std::string, std::string> versions_;
};

TEST_P(Conformance, Random_operations_do_what_they_would_do_to_a_map) {
  for (const std::uint64_t seed : {1U, 20'251'123U, 4'000'000'007U}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto fresh = provider().make();
    Comparison comparison(*fresh, seed);
    comparison.run(kOperations);
    comparison.compare_all();
    EXPECT_THAT(fresh->leftovers(), ::testing::IsEmpty());
  }
}

}  // namespace
}  // namespace scabbard
