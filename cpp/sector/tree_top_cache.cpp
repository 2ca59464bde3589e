#include "sector/tree_top_cache.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include "base/crc32c.hpp"
#include "base/quantities.hpp"
#include "base/text.hpp"
#include "sector/own_files.hpp"

namespace scabbard::sector {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kBlock = 4096;
constexpr auto kInUse = std::chrono::hours(48);
// After that, what is still being written belongs to a dead process.
constexpr auto kLongestWrite = std::chrono::hours(1);
constexpr std::string_view kUnfinished = ".unfinished-";
// Other processes add to the same folder: it is counted again after so many parts of the limit.
constexpr std::uint64_t kCountsPerLimit = 64;

// What a file begins with, in this machine's byte order; the sums of its blocks follow, and then the blocks.
struct Header {
  std::array<char, 8> magic;
  std::uint32_t sum;  // of all that follows it, up to the blocks
  std::uint32_t first_level;
  std::uint64_t sector_size;
  std::uint64_t tree_size;
  Node comm_r_last;
};
static_assert(std::has_unique_object_representations_v<Header>);
constexpr std::array<char, 8> kMagic = {'t', 'r', 'e', 'e', 't', 'o', 'p', '1'};
constexpr std::size_t kBeforeSummed = offsetof(Header, first_level);

std::uint64_t blocks_of(std::uint64_t size) { return (size + kBlock - 1) / kBlock; }

// Of what follows it in the header, and of the sums.
std::uint32_t sum_of(const Header& header, std::span<const std::uint32_t> sums) {
  const auto begin = std::as_bytes(std::span(&header, 1)).subspan(kBeforeSummed);
  return crc32c(std::as_bytes(sums), crc32c(begin));
}

std::vector<std::uint32_t> sums_of(std::span<const std::byte> body) {
  std::vector<std::uint32_t> sums;
  for (; !body.empty(); body = body.subspan(std::min<std::size_t>(kBlock, body.size()))) {
    sums.push_back(crc32c(body.first(std::min<std::size_t>(kBlock, body.size()))));
  }
  return sums;
}

struct Kept {
  fs::path path;
  std::uint64_t size;
  fs::file_time_type used;
};
// Whatever else lies there is not ours to count, or to remove.
bool is_entry(std::string_view name) {
  return name.starts_with(kUnfinished) ||
         (name.size() == 2 * kNodeSize && name.find_first_not_of("0123456789abcdef") == std::string_view::npos);
}

// Some may go meanwhile.
std::vector<Kept> kept_in(const std::string& folder) {
  std::vector<Kept> all;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const auto size = entry.file_size(error);
    if (error || !is_entry(entry.path().filename().string())) continue;
    const auto used = entry.last_write_time(error);
    if (!error) all.push_back({.path = entry.path(), .size = size, .used = used});
  }
  return all;
}

}  // namespace

TreeTops::TreeTops(Descriptor file, const Shape& shape, const TreeLayout& layout, unsigned first_level)
    : file_(std::move(file)),
      layout_(layout),
      begin_(layout.offset(first_level)),
      body_size_(shape.trees * size_of_one()),
      sums_(blocks_of(body_size_)) {
  body_ = sizeof(Header) + std::as_bytes(std::span(sums_)).size();
}

bool TreeTops::read(unsigned tree, std::uint64_t offset, std::span<std::byte> into) const {
  std::uint64_t at = tree * size_of_one() + offset - begin_;
  std::array<std::byte, kBlock> buffer;
  while (!into.empty()) {
    const std::uint64_t number = at / kBlock;
    const std::uint64_t begin = number * kBlock;
    const auto block = std::span(buffer).first(std::min(kBlock, body_size_ - begin));
    if (!read_all(file_.get(), block, body_ + begin) || crc32c(block) != sums_[number]) return false;
    const auto wanted = block.subspan(at - begin, std::min<std::uint64_t>(into.size(), begin + block.size() - at));
    std::ranges::copy(wanted, into.begin());
    into = into.subspan(wanted.size());
    at += wanted.size();
  }
  return true;
}

Result<std::unique_ptr<TreeTopCache>> TreeTopCache::open(TreeTopCacheOptions options) {
  if (auto folder = open_private_folder(options.folder, "cache", false); !folder)
    return fail(std::move(folder).error());
  return std::unique_ptr<TreeTopCache>(new TreeTopCache(std::move(options)));
}

unsigned TreeTopCache::first_level(const Shape& shape) const {
  const TreeLayout usual = TreeLayout::usual(shape);
  return std::clamp(options_.first_level, usual.first_level(), usual.root_level());
}

std::string TreeTopCache::path_of(const Node& comm_r_last) const {
  std::string path = options_.folder + "/";
  for (const std::byte byte : comm_r_last) path += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return path;
}

std::optional<TreeTops> TreeTopCache::find(const Shape& shape, const Node& comm_r_last) const {
  Descriptor file(::open(path_of(comm_r_last).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  Header header{};
  const bool is_header =
      read_all(file.get(), std::as_writable_bytes(std::span(&header, 1)), 0) && header.magic == kMagic;
  const auto layout = TreeLayout::of_file(shape, header.tree_size);
  const bool is_of_these = header.sector_size == shape.sector_size && header.comm_r_last == comm_r_last && layout &&
                           header.first_level >= layout->first_level() && header.first_level <= layout->root_level();
  if (is_header && is_of_these) {
    TreeTops tops(std::move(file), shape, *layout, header.first_level);
    const bool is_whole = read_all(tops.file_.get(), std::as_writable_bytes(std::span(tops.sums_)), sizeof header) &&
                          sum_of(header, tops.sums_) == header.sum;
    if (is_whole && header.first_level > first_level(shape)) return std::nullopt;  // will be replaced
    if (is_whole) {
      ::futimens(tops.file_.get(), nullptr);
      // The blocks that will be asked for lie all over it.
      ::posix_fadvise(tops.file_.get(), 0, 0, POSIX_FADV_WILLNEED);
      return tops;
    }
  }
  drop(comm_r_last);
  return std::nullopt;
}

Result<void> TreeTopCache::keep(const Shape& shape, const Node& comm_r_last, const TreeLayout& layout,
                                std::span<const std::byte> ends) {
  const std::vector<std::uint32_t> sums = sums_of(ends);
  Header header{.magic = kMagic,
                .sum = 0,
                .first_level = first_level(shape),
                .sector_size = shape.sector_size,
                .tree_size = layout.size(),
                .comm_r_last = comm_r_last};
  header.sum = sum_of(header, sums);
  const auto sum_bytes = std::as_bytes(std::span(sums));
  const std::uint64_t body = sizeof header + sum_bytes.size();
  if (auto room = make_room(body + ends.size()); !room) return room;

  std::string unfinished = fmt::format("{}/{}XXXXXX", options_.folder, kUnfinished);
  const Descriptor file(::mkostemp(unfinished.data(), O_CLOEXEC));
  if (!file) return file_failed("make a file in the cache", options_.folder, errno);
  const bool is_written = write_all(file.get(), std::as_bytes(std::span(&header, 1)), 0) &&
                          write_all(file.get(), sum_bytes, sizeof header) && write_all(file.get(), ends, body) &&
                          ::rename(unfinished.c_str(), path_of(comm_r_last).c_str()) == 0;
  if (is_written) return {};
  const int number = errno;
  ::unlink(unfinished.c_str());
  return file_failed("write in the cache", options_.folder, number);
}

void TreeTopCache::drop(const Node& comm_r_last) const { ::unlink(path_of(comm_r_last).c_str()); }

Result<void> TreeTopCache::make_room(std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  if (size > options_.limit) {
    return fail(ErrorCode::kNoSpace, fmt::format("--cache-size is {}, and one sector takes {}",
                                                 human_size(options_.limit), human_size(size)));
  }
  if (!is_counted_ || since_count_ > options_.limit / kCountsPerLimit || used_ + size > options_.limit) count(size);
  if (used_ + size > options_.limit) {
    return fail(ErrorCode::kNoSpace,
                fmt::format("the cache {} is full: all of its {} were used in the last two days; give it more with "
                            "--cache-size, or keep fewer levels with --cache-levels",
                            quote(options_.folder), human_size(used_)));
  }
  used_ += size;
  since_count_ += size;
  return {};
}

// Removes what was not used lately, the oldest first, where it is in the way of `needed` bytes.
void TreeTopCache::count(std::uint64_t needed) {
  auto all = kept_in(options_.folder);
  std::ranges::sort(all, {}, &Kept::used);
  is_counted_ = true;
  used_ = 0;
  since_count_ = 0;
  for (const Kept& one : all) used_ += one.size;
  const auto now = fs::file_time_type::clock::now();
  for (const Kept& one : all) {
    const bool is_unfinished = one.path.filename().string().starts_with(kUnfinished);
    const bool is_in_the_way = used_ + needed > options_.limit;
    const bool goes = is_unfinished ? now - one.used > kLongestWrite : is_in_the_way && now - one.used > kInUse;
    if (goes && ::unlink(one.path.c_str()) == 0) used_ -= one.size;
  }
}

}  // namespace scabbard::sector
