// Reads the last 32 bytes of every object below a location, all of them at once.
//
//   tails LOCATION      a store folder, a folder in one, or the URL of a store that SCABBARD_CONFIG names
//
// g++ -std=c++23 tails.cpp $(pkg-config --cflags --libs scabbard) -o tails
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <scabbard/store.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;

namespace {

// The names of all objects below a folder.
scabbard::Result<std::vector<std::string>> names(const scabbard::Context& ctx, scabbard::Store& store,
                                                 const std::string& folder) {
  auto lister = store.list(ctx, {.folder = folder, .names_only = true});
  if (!lister) return std::unexpected(lister.error());
  std::vector<std::string> all;
  while (true) {
    auto page = (*lister)->next(ctx);
    if (!page) return std::unexpected(page.error());
    if (page->empty()) return all;
    for (auto& entry : *page) all.push_back(std::move(entry.name));
  }
}

void print(const scabbard::RangeRead& read) {
  std::string_view name = read.object;
  if (!read.got) {
    std::printf("%.*s: %s\n", static_cast<int>(name.size()), name.data(), read.got.error().message.c_str());
    return;
  }
  std::printf("%.*s: %llu bytes, the last", static_cast<int>(name.size()), name.data(),
              static_cast<unsigned long long>(read.object_size));
  for (std::byte byte : read.into.first(*read.got)) std::printf(" %02x", std::to_integer<unsigned>(byte));
  std::printf("\n");
}

scabbard::Result<void> tails(std::string_view where) {
  auto ctx = scabbard::Context().with_timeout(1min);
  auto locator = scabbard::Locator::create();
  if (!locator) return std::unexpected(locator.error());
  auto location = (*locator)->resolve(ctx, where);
  if (!location) return std::unexpected(location.error());
  scabbard::Store& store = *location->store;

  auto objects = names(ctx, store, location->object);
  if (!objects) return std::unexpected(objects.error());

  std::vector<std::array<std::byte, 32>> bytes(objects->size());
  std::vector<scabbard::RangeRead> reads(objects->size());
  for (std::size_t i = 0; i < reads.size(); ++i) {
    reads[i].object = (*objects)[i];
    reads[i].offset = -static_cast<std::int64_t>(bytes[i].size());
    reads[i].into = bytes[i];
  }
  if (auto read = store.read(ctx, reads); !read) return read;
  for (const auto& read : reads) print(read);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: tails LOCATION\n");
    return 2;
  }
  if (auto done = tails(argv[1]); !done) {
    std::fprintf(stderr, "tails: %s\n", done.error().message.c_str());
    return 1;
  }
  return 0;
}
