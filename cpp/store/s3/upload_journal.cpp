#include "store/s3/upload_journal.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/log.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"
#include "store/s3/hexadecimal.hpp"

namespace scabbard::s3 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// 10,000 parts take about 1 MiB.
constexpr std::size_t kLargestJournal = std::size_t{8} << 20;
constexpr std::string_view kSuffix = ".upload";

std::string folder_of(const std::string& folder, const std::string& place) {
  Digest digest{};
  sha256(DigestContext(), place, digest);
  return folder + "/" + hexadecimal(digest).substr(0, 16);
}

std::string line_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"; }

std::string header_line(const JournalRecord& record) {
  json header = {{"key", record.key}, {"upload", record.upload_id}, {"part_size", record.part_size}};
  if (!record.checksum.empty()) header["checksum"] = record.checksum;
  if (record.source) {
    const UploadSource& source = *record.source;
    header["source"] = {source.device, source.inode, source.modified, source.offset, source.length};
  }
  return line_of(header);
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::optional<std::string> read_all(int descriptor) {
  std::string text;
  struct stat status;
  if (::fstat(descriptor, &status) != 0 || static_cast<std::size_t>(status.st_size) > kLargestJournal)
    return std::nullopt;
  text.resize(static_cast<std::size_t>(status.st_size));
  ssize_t count = ::pread(descriptor, text.data(), text.size(), 0);
  if (count < 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(count));
  return text;
}

std::optional<JournalRecord> parse(std::string_view text) {
  std::optional<JournalRecord> record;
  try {
    while (text.contains('\n')) {
      const std::size_t end = text.find('\n');
      const json line = json::parse(text.substr(0, end));
      text.remove_prefix(end + 1);
      if (!record) {
        record = JournalRecord{.key = line.at("key"),
                               .upload_id = line.at("upload"),
                               .part_size = line.at("part_size"),
                               .checksum = line.value("checksum", ""),
                               .source = {},
                               .parts = {}};
        if (line.contains("source")) {
          const json& source = line["source"];
          record->source = UploadSource{.device = source.at(0),
                                        .inode = source.at(1),
                                        .modified = source.at(2),
                                        .offset = source.at(3),
                                        .length = source.at(4)};
        }
      } else {
        record->parts[line.at("part")] = {
            .etag = line.at("etag"), .size = line.at("size"), .crc32c = line.at("crc32c")};
      }
    }
  } catch (const json::exception&) {
    // What came before is still true.
  }
  return record;
}

bool is_removed(int descriptor) {
  struct stat status;
  return ::fstat(descriptor, &status) != 0 || status.st_nlink == 0;
}

// A new file, locked; below 0 where that cannot be done.
int create_locked(const std::string& path) {
  while (true) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND, 0600);
    if (descriptor < 0) return descriptor;
    const bool is_locked = ::flock(descriptor, LOCK_EX) == 0;
    // Before that somebody may have taken it for one that a dead writer left.
    if (is_locked && !is_removed(descriptor)) return descriptor;
    ::close(descriptor);
    if (!is_locked) return -1;
  }
}

// The file of a dead writer, locked; nothing where its writer lives, or died before it had written anything down, or it
// is of no key that is wanted. One that is not wanted is not locked, or another thread would take it for a living
// one's.
template <class IsWanted>
std::unique_ptr<UploadJournal::Entry> take(const std::string& path, const IsWanted& is_wanted) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_APPEND | O_NOFOLLOW);
  if (descriptor < 0) return nullptr;
  const auto seen = read_all(descriptor);
  const auto record_seen = seen ? parse(*seen) : std::nullopt;
  const bool may_be_wanted = seen && (!record_seen || is_wanted(record_seen->key));
  // A writer that lives may have finished meanwhile.
  const bool is_mine = may_be_wanted && ::flock(descriptor, LOCK_EX | LOCK_NB) == 0 && !is_removed(descriptor);
  if (auto text = is_mine ? read_all(descriptor) : std::nullopt) {
    // The last line may be cut. The next one must not become part of it.
    const std::size_t end = text->rfind('\n') + 1;
    if (end == 0) ::unlink(path.c_str());
    const bool is_whole = end == text->size() || ::ftruncate(descriptor, static_cast<off_t>(end)) == 0;
    auto record = is_whole ? parse(text->substr(0, end)) : std::nullopt;
    if (record && is_wanted(record->key)) {
      return std::make_unique<UploadJournal::Entry>(descriptor, path, *std::move(record));
    }
  }
  ::close(descriptor);
  return nullptr;
}

}  // namespace

UploadJournal::Entry::Entry(int descriptor, std::string path, JournalRecord record)
    : descriptor_(descriptor), path_(std::move(path)), record_(std::move(record)) {}

UploadJournal::Entry::~Entry() { ::close(descriptor_); }

void UploadJournal::Entry::add_part(unsigned number, const JournalPart& part) {
  record_.parts[number] = part;
  const json line = {{"part", number}, {"etag", part.etag}, {"size", part.size}, {"crc32c", part.crc32c}};
  write_all(descriptor_, line_of(line));  // a part that is not noted is sent again
}

void UploadJournal::Entry::remove() { ::unlink(path_.c_str()); }

UploadJournal::UploadJournal(const std::string& folder, const std::string& place) : folder_(folder_of(folder, place)) {}

std::unique_ptr<UploadJournal::Entry> UploadJournal::begin(JournalRecord record) const {
  static std::atomic<unsigned> last = 0;
  std::error_code failed;
  fs::create_directories(folder_, failed);
  const std::string path = fmt::format("{}/{}-{}-{}{}", folder_, ::getpid(),
                                       std::chrono::system_clock::now().time_since_epoch().count(), ++last, kSuffix);
  const int descriptor = create_locked(path);
  if (descriptor >= 0 && write_all(descriptor, header_line(record)) && ::fdatasync(descriptor) == 0) {
    return std::make_unique<Entry>(descriptor, path, std::move(record));
  }
  log::warn("upload journal {}: {}; an upload that dies now stays on the server until somebody removes it", quote(path),
            std::generic_category().message(errno));
  if (descriptor >= 0) ::close(descriptor);
  return nullptr;
}

template <class IsWanted>
std::vector<std::unique_ptr<UploadJournal::Entry>> UploadJournal::dead_where(IsWanted is_wanted) const {
  std::vector<std::unique_ptr<Entry>> entries;
  std::error_code failed;
  for (fs::directory_iterator next(folder_, failed), end; !failed && next != end; next.increment(failed)) {
    if (!next->path().string().ends_with(kSuffix)) continue;
    if (auto entry = take(next->path(), is_wanted)) entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<std::unique_ptr<UploadJournal::Entry>> UploadJournal::dead(std::string_view prefix) const {
  return dead_where([prefix](const std::string& key) { return key.starts_with(prefix); });
}

std::vector<std::unique_ptr<UploadJournal::Entry>> UploadJournal::dead_of(std::string_view key) const {
  return dead_where([key](const std::string& other) { return other == key; });
}

}  // namespace scabbard::s3
