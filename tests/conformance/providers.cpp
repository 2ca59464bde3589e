#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <vector>

#include "conformance/provider.hpp"
#include "conformance/s3_providers.hpp"
#include "store/object_name.hpp"
#include "store/posix/posix_store.hpp"
#include "support/result_matchers.hpp"
#include "support/stallable_file_calls.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard {
namespace {

using Guard = posix::Settings::Guard;

std::shared_ptr<Store> open_files(const std::string& root, Guard guard, const OpenOptions& options,
                                  posix::FileCalls& calls) {
  const StoreConfig config{.name = "conformance", .path = root, .meta = {}, .read_only = options.read_only};
  return value_of(posix::open_store(config, root, {.guard = guard, .calls = &calls, .clock = options.clock}));
}

// Calls that were left behind use these after their place has gone: they are kept to the end.
posix::StallableFileCalls& immortal_calls() {
  static auto* kept = new std::vector<std::unique_ptr<posix::StallableFileCalls>>;
  return *kept->emplace_back(std::make_unique<posix::StallableFileCalls>(posix::kernel_calls()));
}

class FolderPlace final : public Place {
 public:
  explicit FolderPlace(Guard guard) : guard_(guard) {}
  ~FolderPlace() override { release(); }

  std::shared_ptr<Store> open(const OpenOptions& options) override {
    return open_files(address(), guard_, options, calls_);
  }
  std::string address() const override { return folder_.string(); }

  std::vector<std::string> leftovers() override {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (entry.path().filename().string().starts_with(kTemporaryPrefix)) found.push_back(entry.path());
    }
    return found;
  }

  bool stall() override {
    calls_.stall();
    return true;
  }
  void release() override { calls_.release(); }
  bool wait_until_stalled(std::size_t count) override { return calls_.wait_until_stalled(count); }

 private:
  const Guard guard_;
  TemporaryFolder folder_;
  posix::StallableFileCalls& calls_ = immortal_calls();
};

Provider posix_provider(std::string name, Guard guard) {
  return {
      .name = std::move(name),
      .make = [guard] { return std::make_unique<FolderPlace>(guard); },
      .reopen = [guard](const std::string& address) { return open_files(address, guard, {}, posix::kernel_calls()); },
      .outlives_stalls = guard == Guard::kAlways,
      .keeps_holes = true};
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Provider& provider) { return out << provider.name; }

const std::vector<Provider>& providers() {
  static const std::vector<Provider> all = [] {
    std::vector<Provider> providers = {
        posix_provider("posix", Guard::kNever),
        posix_provider("posix_guarded", Guard::kAlways),
    };
    std::ranges::move(s3_providers(), std::back_inserter(providers));
    return providers;
  }();
  return all;
}

}  // namespace scabbard
