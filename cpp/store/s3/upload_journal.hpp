// The multipart uploads of this machine that are under way, on the local disk: what a process that died has left on the
// server is found here, and goes on or is given up. Nothing that does not stand here is ever given up unasked, for a
// server's own list shows the uploads of others, too.
//
// One file an upload. Its writer holds a lock on it, which ends with the writer, however that ends. Safe from any
// thread; an Entry belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scabbard/error.hpp"

namespace scabbard::s3 {

/// The file that is uploaded, and what shows that it is still the same.
struct UploadSource {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t modified = 0;  ///< nanoseconds since the epoch
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  bool operator==(const UploadSource&) const = default;
};

struct JournalPart {
  std::string etag;
  std::uint64_t size = 0;
  std::uint32_t crc32c = 0;
};

/// What is known of one upload.
struct JournalRecord {
  std::string key;
  std::string upload_id;
  std::uint64_t part_size = 0;
  std::string checksum;                ///< the algorithm, as S3 calls it; empty: none
  std::optional<UploadSource> source;  ///< nothing: a stream, which nobody has a second time
  std::map<unsigned, JournalPart> parts;

  /// Whether an upload of the same file in the same parts can go on with it.
  bool is_begun(const JournalRecord& wanted) const {
    return source && key == wanted.key && part_size == wanted.part_size && checksum == wanted.checksum &&
           source == wanted.source;
  }
};

class UploadJournal {
 public:
  class Entry {
   public:
    Entry(int descriptor, std::string path, JournalRecord record);
    /// Lets go of it: from now on it is a dead writer's.
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    const JournalRecord& record() const { return record_; }
    void add_part(unsigned number, const JournalPart& part);
    /// The upload is complete, or gone from the server.
    void remove();

   private:
    const int descriptor_;
    const std::string path_;
    JournalRecord record_;
  };

  /// Of the bucket that `place` names (endpoint and bucket), in a folder for all.
  UploadJournal(const std::string& folder, const std::string& place);

  /// Writes an upload down. Nothing, with a warning, where that cannot be done: it is an upload all the same.
  std::unique_ptr<Entry> begin(JournalRecord record) const;
  /// What dead writers have left of keys that begin with `prefix`.
  std::vector<std::unique_ptr<Entry>> dead(std::string_view prefix) const;
  /// The same of one key.
  std::vector<std::unique_ptr<Entry>> dead_of(std::string_view key) const;

 private:
  template <class IsWanted>
  std::vector<std::unique_ptr<Entry>> dead_where(IsWanted is_wanted) const;

  const std::string folder_;
};

}  // namespace scabbard::s3
