// An object on its way into the bucket.
//
// What fits one part goes out in one PUT; anything longer as a multipart upload, whose parts are sent while the next
// ones are filled. All memory is reserved before the first byte is taken. Belongs to one thread at a time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/buffer_pool.hpp"
#include "store/s3/bucket.hpp"
#include "store/s3/file_part.hpp"
#include "store/s3/object_put.hpp"
#include "store/s3/part_plan.hpp"
#include "store/s3/payload_sum.hpp"
#include "store/s3/upload_end.hpp"
#include "store/s3/upload_journal.hpp"

namespace scabbard::s3 {

class Upload {
 public:
  /// A file that all bytes come from.
  struct Source {
    FileSource file;
    UploadSource state;
  };

  /// With a source, a dead writer's upload of the same one goes on: parts that the server has already are read and
  /// compared, and not sent again.
  static Result<std::unique_ptr<Upload>> begin(const Operation& op, std::shared_ptr<Bucket> bucket,
                                               std::string_view object, const CreateOptions& options,
                                               const std::optional<Source>& source = std::nullopt);
  /// Gives up what was not finished, unless it stays.
  ~Upload();
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  /// Room for the next bytes, at most 256 KiB; waits for a part to be sent where all memory is filled.
  Result<std::span<std::byte>> room(const Operation& op);
  /// Takes the first bytes of it.
  void filled(std::size_t size);
  /// Takes all of the source, which is not read any more afterwards.
  Result<void> take_source(const Operation& op);
  /// Makes the object visible, and looks whether it is what was sent.
  Result<WriteInfo> finish(const Operation& op);

  /// It ends here without an object. One that is resumable stays on the server, where `why` may pass.
  void leave(const Error& why);

  std::uint64_t size() const { return size_; }

 private:
  struct Slot {
    BufferPool::Buffer buffer;       // empty where parts come straight from the source
    std::unique_ptr<FilePart> file;  // such a part
    std::unique_ptr<ObjectPut> put;  // of the part that is being sent
    PayloadSums sums = {};           // of that part
  };
  struct Whole : Made {
    std::string checksum;  // as the server should have it; empty where it has none
    std::uint32_t crc32c = 0;
  };
  struct SentPart {
    std::string etag;
    PayloadSums sums;
  };
  class Arrivals final : public net::Receiver {
   public:
    void finished(std::span<net::Finished> some) override;
    void is_missing(const Slot& slot);
    std::mutex mutex;
    std::condition_variable_any changed;
    std::vector<const net::Exchange*> sent;
    std::vector<const Slot*> missing;  // whose part has to be read from the disk
    std::optional<Error> failure;
    std::size_t under_way = 0;
  };

  Upload(std::shared_ptr<Bucket> bucket, std::string_view object, const CreateOptions& options, PartPlan plan);
  Result<void> add_stage(const Operation& op);
  void add_slots_without_memory();
  Result<void> add_slots(const Operation& op, std::size_t count);
  Result<void> add_slots(BufferPool::Ticket ticket, std::size_t count, std::size_t size);
  Result<void> leave_stage(const Operation& op);
  Result<void> ensure_slot(const Operation& op);
  Result<void> start_multipart(const Operation& op);
  Result<bool> go_on(const Operation& op);
  const JournalPart* known_part(std::uint64_t size) const;
  ObjectPut::Part next_part();
  void took(std::uint64_t size);
  void take_sent(const net::Exchange& put);
  JournalRecord record() const;
  Result<void> send_part(const Operation& op);
  Result<void> send_file_part(const Operation& op);
  Result<void> read_source(const Operation& op);
  void submit(Slot& slot, std::unique_ptr<ObjectPut> put);
  Result<void> wait_for_parts(const Operation& op, std::size_t at_most_left);
  Result<Whole> put_whole(const Operation& op);
  Result<Whole> complete(const Operation& op);
  void abandon();

  const std::shared_ptr<Bucket> bucket_;
  const std::string object_;
  const std::string key_;
  const CreateOptions options_;
  const PartPlan plan_;
  std::vector<BufferPool::Ticket> tickets_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> unused_;
  Slot* current_ = nullptr;  // being filled
  std::size_t in_current_ = 0;
  std::vector<std::byte> beyond_;       // handed out where all that was announced has come
  PayloadSum sum_;                      // of the current part
  std::string upload_id_;               // once there is a multipart upload
  std::map<unsigned, SentPart> parts_;  // that the server has
  unsigned next_part_ = 1;
  std::uint64_t size_ = 0;
  std::optional<Source> source_;
  bool straight_ = false;                          // parts are sent from the source and not from memory of ours
  std::unique_ptr<UploadJournal::Entry> journal_;  // of the multipart upload
  bool finished_ = false;
  bool stays_ = false;
  Arrivals arrivals_;
};

}  // namespace scabbard::s3
