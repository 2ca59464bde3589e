#include "sector/staging.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/crc32c.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "sector/own_files.hpp"

namespace scabbard::sector {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kPage = 4096;
// What the folders in a staging folder are called, with something behind that mkdtemp() makes up.
constexpr std::string_view kOwnFolder = "scabbard-staging-";

// Folders of processes that live are locked.
void remove_those_of_the_dead(const std::string& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (!entry.path().filename().string().starts_with(kOwnFolder)) continue;
    const Descriptor dead(::open(entry.path().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!dead || ::flock(dead.get(), LOCK_EX | LOCK_NB) != 0) continue;
    fs::remove_all(entry.path(), error);
    if (error)
      log::warn("what a dead process left in {} stays there: {}", quote(entry.path().string()), error.message());
  }
}

}  // namespace

void PromisedRoom::settle(std::atomic<std::uint64_t>& left, std::uint64_t bytes) {
  std::uint64_t had = left;
  while (!left.compare_exchange_weak(had, had - std::min(had, bytes))) {
  }
  bytes_ -= std::min(had, bytes);
}

StagedSector::StagedSector(std::string folder, const Shape& shape, PromisedRoom& room, std::uint64_t size)
    : folder_(std::move(folder)), shape_(shape), room_(room), unwritten_(size), files_(replica_files(shape)) {
  room_.add(size);
}

StagedSector::~StagedSector() {
  room_.settle(unwritten_, unwritten_);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string StagedSector::sealed_file() const { return folder_ + "/sealed"; }
std::string StagedSector::cache_folder() const { return folder_ + "/cache"; }

std::string StagedSector::path_of(ReplicaFile file) const {
  return file == kSealedFile ? sealed_file() : cache_folder() + "/" + cache_file_name(shape_, file);
}

Result<void> StagedSector::write(ReplicaFile file, std::uint64_t size, std::span<const StagedRange> ranges) {
  const bool was_written = files_[file].was_written;
  files_[file] = {.was_written = true, .size = 0, .sum = 0, .filled = {}};
  const std::string path = path_of(file);
  const Descriptor out(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!out || ::ftruncate(out.get(), static_cast<off_t>(size)) != 0) return file_failed("stage", path, errno);
  for (const StagedRange& range : ranges) {
    if (!write_all(out.get(), range.bytes, range.read.offset)) return file_failed("stage", path, errno);
  }
  File& written = files_[file];
  written.size = size;
  for (const StagedRange& range : ranges) {
    written.filled.push_back(range.read);
    written.sum = crc32c(range.bytes, written.sum);
  }
  if (!was_written) room_.settle(unwritten_, staged_size(written.filled));
  if (file == kPersistentAux) comm_r_last_ = last_node(ranges.front().bytes);
  if (file == kFirstTree && shape_.trees == 1) root_ = last_node(ranges.back().bytes);
  return {};
}

Result<void> StagedSector::check(const TreeLayout& layout, std::span<const PlannedRead> reads) const {
  for (ReplicaFile file = 0; file < files_.size(); ++file) {
    struct stat status{};
    const std::string path = path_of(file);
    if (::stat(path.c_str(), &status) != 0) return file_failed("look at the staged", path, errno);
    const std::uint64_t expected = file_size(shape_, layout, file);
    if (files_[file].size != expected || static_cast<std::uint64_t>(status.st_size) != expected) {
      return fail(ErrorCode::kInternal,
                  fmt::format("the staged {} has not the {} bytes it should", quote(path), expected));
    }
  }
  for (const PlannedRead& read : reads) {
    if (std::ranges::find(files_[read.file].filled, read) == files_[read.file].filled.end()) {
      return fail(ErrorCode::kInternal, fmt::format("of the staged {} the bytes from {} on are missing",
                                                    quote(path_of(read.file)), read.offset));
    }
  }
  if (root_ && root_ != comm_r_last_) {
    return fail(ErrorCode::kCorrupt, "its tree-r-last file ends with another root than p_aux names");
  }
  return {};
}

std::uint64_t StagedSector::sum() const {
  std::uint64_t sum = 0;
  for (const File& file : files_) sum = sum * 0x100000001b3U + file.sum;
  return sum;
}

std::uint64_t staged_size(std::span<const PlannedRead> reads) {
  std::uint64_t pages = 0;
  std::uint64_t next = 0;  // of this file, the first page that is not counted
  for (std::size_t i = 0; i < reads.size(); ++i) {
    const PlannedRead& read = reads[i];
    if (i > 0 && read.file != reads[i - 1].file) next = 0;
    const std::uint64_t end = (read.offset + read.length + kPage - 1) / kPage;
    pages += end - std::min(end, std::max(next, read.offset / kPage));
    next = end;
  }
  return pages * kPage;
}

Staging::Staging(std::string folder, Descriptor lock) : folder_(std::move(folder)), lock_(std::move(lock)) {}

Staging::~Staging() { discard(); }

void Staging::discard() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

Result<std::unique_ptr<Staging>> Staging::open(const std::string& folder) {
  auto shared = open_private_folder(folder, "staging", true);
  if (!shared) return fail(std::move(shared).error());
  // Others that start now wait, or they would take the new folder for that of a dead process.
  if (::flock(shared->get(), LOCK_EX) != 0) return file_failed("lock the staging folder", folder, errno);
  remove_those_of_the_dead(folder);
  std::string own = fmt::format("{}/{}XXXXXX", folder, kOwnFolder);
  if (::mkdtemp(own.data()) == nullptr) return file_failed("make a folder in the staging folder", folder, errno);
  Descriptor lock(::open(own.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return file_failed("lock", own, errno);
  return std::unique_ptr<Staging>(new Staging(std::move(own), std::move(lock)));
}

Result<std::unique_ptr<StagedSector>> Staging::add(const Shape& shape, std::uint64_t size) {
  const std::string folder = fmt::format("{}/{}", folder_, ++last_);
  auto sector = std::make_unique<StagedSector>(folder, shape, room_, size);
  for (const std::string& made : {folder, sector->cache_folder()}) {
    if (::mkdir(made.c_str(), S_IRWXU) != 0) return file_failed("stage below", made, errno);
  }
  return sector;
}

Result<bool> Staging::has_room(std::uint64_t size) const {
  struct statvfs status{};
  if (::statvfs(folder_.c_str(), &status) != 0) return file_failed("look at the room in", folder_, errno);
  return std::uint64_t{status.f_bavail} * status.f_frsize >= room_.bytes() + size;
}

}  // namespace scabbard::sector
