// What the tests stand on that are about files only: both ways of calling the filesystem, on a folder that
// the test may look into.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "store/object_name.hpp"
#include "store/posix/posix_store.hpp"
#include "support/result_matchers.hpp"
#include "support/temporary_folder.hpp"
#include "support/whole_objects.hpp"

namespace scabbard::posix {

inline void PrintTo(Settings::Guard guard, std::ostream* out) {
  *out << (guard == Settings::Guard::kAlways ? "guarded" : guard == Settings::Guard::kNever ? "direct" : "auto");
}

class PosixStoreTest : public ::testing::TestWithParam<Settings::Guard> {
 protected:
  static std::shared_ptr<Store> open(const std::string& root) {
    return value_of(open_store({.name = "files", .path = root, .meta = {}}, root, {.guard = GetParam()}));
  }

  Store& store() {
    if (!store_) store_ = open(folder_.string());
    return *store_;
  }
  std::filesystem::path path(std::string_view below) const { return folder_ / below; }
  const TemporaryFolder& folder() const { return folder_; }
  Context ctx() const { return Context().with_timeout(std::chrono::minutes(2)); }

  Result<WriteInfo> put(std::string_view object, std::string_view text, const CreateOptions& options = {}) {
    return put_text(store(), ctx(), object, text, options);
  }
  Result<std::string> get(std::string_view object) { return get_text(store(), ctx(), object); }
  Result<std::set<std::string>> names() { return list_names(store(), ctx()); }

  static void write_file(const std::filesystem::path& path, std::string_view text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  static std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::vector<std::string> temporaries_below(const std::filesystem::path& folder) {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.path().filename().string().starts_with(kTemporaryPrefix)) found.push_back(entry.path());
    }
    return found;
  }

 private:
  TemporaryFolder folder_;
  std::shared_ptr<Store> store_;
};

}  // namespace scabbard::posix
