// Uses a store from several threads until somebody kills it, and says on stdout what it begins and what it was
// told is done (fault/acknowledgements.hpp). A pipe keeps what was said when the writer dies.
//
//   killed_writer FOLDER GUARD SEED [in-place]
//
// `in-place` writes as damocles' own filestore does, so that the test can be seen to fail.
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "store/posix/posix_store.hpp"
#include "support/numbered_bytes.hpp"
#include "support/result_matchers.hpp"
#include "support/source_file.hpp"
#include "support/whole_objects.hpp"

namespace scabbard {
namespace {

constexpr int kThreads = 4;
constexpr std::uint64_t kCallsOfAThread = 100'000;
const std::array<std::string, 4> kOwnObjects = {"a", "sealed/b", "cache/s-t01000-7/c", "d"};

// One write of less than PIPE_BUF: lines of several threads do not mix, and half a line is never said.
void say(std::string line) {
  line += '\n';
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(1);
}

bool may_be_refused(std::string_view kind, const Error& error) {
  return (kind == "exclusive" && error.code == ErrorCode::kAlreadyExists) ||
         (kind == "remove" && error.code == ErrorCode::kNotFound);
}

class Worker {
 public:
  Worker(std::string folder, std::shared_ptr<Store> store, std::uint64_t seed, int thread, bool in_place)
      : folder_(std::move(folder)),
        store_(std::move(store)),
        random_(seed * kThreads + static_cast<unsigned>(thread)),
        thread_(thread),
        number_(((seed * kThreads) + static_cast<unsigned>(thread)) * kCallsOfAThread),
        in_place_(in_place) {}

  [[noreturn]] void work() {
    while (true) {
      ++number_;
      const std::string mine = fmt::format("thread{}/{}", thread_, kOwnObjects.at(below(kOwnObjects.size())));
      switch (below(8)) {
        case 0:
          call("remove", mine);
          break;
        case 1:
          call("exclusive", mine);
          break;
        case 2:  // all threads want this one; there are enough of them for some to be new
          call("exclusive", fmt::format("shared/{}", below(1'000'000) % 50));
          break;
        case 3:
          copy_many();
          break;
        default:
          call("put", mine);
      }
    }
  }

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

  void call(const std::string& kind, const std::string& object) {
    say(fmt::format("begin {} {} {}", kind, object, number_));
    const Result<void> result = kind == "remove" ? store_->remove(Context(), object) : store(kind, object);
    if (!result && !may_be_refused(kind, result.error())) {
      return say(fmt::format("failed {}: {}", object, describe(result.error())));
    }
    say(fmt::format("{} {} {}", result ? "done" : "refused", object, number_));
  }

  // Enough to be synced together.
  void copy_many() {
    const std::string source = fmt::format("thread{}/source", thread_);
    call("put", source);
    std::vector<ObjectCopy> copies;
    for (int i = 0; i < 9; ++i) {
      copies.push_back({.source = source, .object = fmt::format("thread{}/copies{}/{}", thread_, i % 2, i)});
      say(fmt::format("begin put {} {}", copies.back().object, number_));
    }
    store_->copy_many_from(Context(), *store_, copies);
    for (const ObjectCopy& copy : copies) {
      if (!copy.result) {
        say(fmt::format("failed {}: {}", copy.object, describe(copy.result.error())));
      } else {
        say(fmt::format("done {} {}", copy.object, number_));
      }
    }
  }

  Result<void> store(std::string_view kind, const std::string& object) {
    const std::uint64_t length = kLeastNumberedBytes + below(below(4) == 0 ? 3'000'000 : 50'000);
    const Bytes bytes = numbered_bytes(number_, length);
    if (in_place_ && kind != "exclusive") return write_in_place(object, bytes);
    const CreateOptions options = {.exclusive = kind == "exclusive", .length = {}};
    const auto written = below(2) == 0 ? put_bytes(*store_, Context(), object, bytes, options)
                                       : store_->put_file(Context(), object, SourceFile(bytes).whole(), options);
    if (!written) return fail(written.error());
    return {};
  }

  Result<void> write_in_place(const std::string& object, const Bytes& bytes) const {
    const std::filesystem::path path = folder_ + "/" + object;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return {};
  }

  const std::string folder_;
  const std::shared_ptr<Store> store_;
  std::mt19937_64 random_;
  const int thread_;
  std::uint64_t number_;
  const bool in_place_;
};

// What others see meanwhile is whole too.
[[noreturn]] void look_around(Store& store, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  while (true) {
    const std::string object =
        fmt::format("thread{}/{}", random() % kThreads, kOwnObjects.at(random() % kOwnObjects.size()));
    const auto bytes = get_bytes(store, Context(), object);
    if (!bytes && bytes.error().code != ErrorCode::kNotFound) say("read: " + describe(bytes.error()));
    if (bytes && !number_of(*bytes)) say("read: torn: " + object);
  }
}

int run(const std::string& folder, std::string_view guard, std::uint64_t seed, bool in_place) {
  const auto store = value_of(posix::open_store(
      {.name = "killed", .path = folder, .meta = {}}, folder,
      {.guard = guard == "always" ? posix::Settings::Guard::kAlways : posix::Settings::Guard::kNever}));
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([=] { Worker(folder, store, seed, thread, in_place).work(); });
  }
  look_around(*store, seed);
}

}  // namespace
}  // namespace scabbard

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  return scabbard::run(argv[1], argv[2], std::strtoull(argv[3], nullptr, 10), argc > 4);
}
