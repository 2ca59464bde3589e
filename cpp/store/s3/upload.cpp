#include "store/s3/upload.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "store/s3/object_read.hpp"

namespace scabbard::s3 {
namespace {

// Of parts that take no memory.
constexpr std::size_t kStraightSlots = 8;
// What is hashed while it is still in the cache.
constexpr std::size_t kRoom = std::size_t{256} << 10;
constexpr std::size_t kSmall = std::size_t{1} << 20;
constexpr std::size_t kBeyond = std::size_t{64} << 10;
// A body up to this costs less to hash than a request costs.
constexpr std::size_t kCheapToHash = std::size_t{64} << 10;

// Of a part that is neither signed nor has a checksum.
PayloadSums sums_of(std::uint64_t size, std::uint32_t crc32c) {
  return {.payload_hash = {}, .checksum = {}, .size = size, .crc32c = crc32c};
}

Result<void> check_free(const Operation& op, std::string_view key) {
  auto there = look_at(op.bucket(), op.context(), key);
  if (there) return op.failed(ErrorCode::kAlreadyExists, to_string(ErrorCode::kAlreadyExists));
  return there.error().code == ErrorCode::kNotFound ? Result<void>() : op.failed(std::move(there).error());
}

}  // namespace

Result<std::unique_ptr<Upload>> Upload::begin(const Operation& op, std::shared_ptr<Bucket> bucket,
                                              std::string_view object, const CreateOptions& options,
                                              const std::optional<Source>& source) {
  const std::size_t memory = BufferPool::process().limit(BufferPool::Use::kBulk);
  auto plan = plan_parts(options.length, bucket->settings().part_size, memory);
  if (!plan) return op.failed(std::move(plan).error());
  // The server decides in the end. That it will refuse is better known before all is sent.
  if (options.exclusive && options.length.value_or(plan->part_size) > kSmall) {
    if (auto free = check_free(op, bucket->key_of(object)); !free) return fail(std::move(free).error());
  }
  std::unique_ptr<Upload> upload(new Upload(std::move(bucket), object, options, *plan));
  upload->source_ = source;
  // What a signature or a checksum needs has to be known beforehand, and so to lie in memory.
  upload->straight_ = source && source->file.length > plan->part_size && !upload->bucket_->signs_payload() &&
                      upload->bucket_->settings().checksum == Checksum::kNone &&
                      FilePart::can_tell(source->file.descriptor);
  if (upload->straight_) {
    upload->add_slots_without_memory();
    return upload;
  }
  // Of what has no length beforehand most is short: a part is reserved when it turns out to be long.
  const bool is_small = !options.length || plan->part_size <= kSmall;
  auto added = is_small ? upload->add_stage(op) : upload->add_slots(op, plan->slots);
  if (!added) return fail(std::move(added).error());
  return upload;
}

Upload::Upload(std::shared_ptr<Bucket> bucket, std::string_view object, const CreateOptions& options, PartPlan plan)
    : bucket_(std::move(bucket)),
      object_(object),
      key_(bucket_->key_of(object)),
      options_(options),
      plan_(plan),
      sum_(bucket_->signs_payload(), bucket_->settings().checksum) {}

Upload::~Upload() {
  if (!finished_) abandon();
}

void Upload::leave(const Error& why) {
  const bool may_pass = why.retryable || why.code == ErrorCode::kNoSpace || why.code == ErrorCode::kCancelled ||
                        why.code == ErrorCode::kDeadlineExceeded;
  stays_ = options_.resumable && may_pass && journal_ != nullptr;
}

void Upload::abandon() {
  bucket_->client().cancel(arrivals_);
  {
    std::unique_lock lock(arrivals_.mutex);
    arrivals_.changed.wait(lock, [&] { return arrivals_.under_way == 0; });
  }
  // The journal's entry of one that stays is from now on a dead writer's.
  if (!upload_id_.empty() && !stays_) abandon_upload(*bucket_, key_, upload_id_, std::move(journal_));
}

// A buffer for what is small.
Result<void> Upload::add_stage(const Operation& op) {
  const std::size_t size = std::min(plan_.part_size, kSmall);
  auto ticket = op.reserve(BufferPool::Use::kSmall, size);
  if (!ticket) return fail(std::move(ticket).error());
  return add_slots(*std::move(ticket), 1, size);
}

void Upload::add_slots_without_memory() {
  for (std::size_t i = 0; i < kStraightSlots; ++i) {
    unused_.push_back(slots_.emplace_back(std::make_unique<Slot>()).get());
  }
}

// Buffers for `count` parts, whose memory is reserved all at once.
Result<void> Upload::add_slots(const Operation& op, std::size_t count) {
  auto ticket = op.reserve(BufferPool::Use::kBulk, count * plan_.part_size);
  if (!ticket) return fail(std::move(ticket).error());
  return add_slots(*std::move(ticket), count, plan_.part_size);
}

Result<void> Upload::add_slots(BufferPool::Ticket ticket, std::size_t count, std::size_t size) {
  tickets_.push_back(std::move(ticket));
  for (std::size_t i = 0; i < count; ++i) {
    auto buffer = tickets_.back().take(size);
    if (!buffer) return fail(std::move(buffer).error());
    slots_.push_back(std::make_unique<Slot>(Slot{.buffer = *std::move(buffer), .file = nullptr, .put = nullptr}));
    unused_.push_back(slots_.back().get());
  }
  return {};
}

// What was thought to be small goes on in a part. Who waits for one holds none.
Result<void> Upload::leave_stage(const Operation& op) {
  if (auto added = add_slots(op, options_.length ? plan_.slots : 1); !added) return added;
  Slot* part = unused_.back();
  unused_.pop_back();
  std::ranges::copy(current_->buffer.bytes().first(in_current_), part->buffer.bytes().begin());
  current_ = part;
  slots_.erase(slots_.begin());
  tickets_.erase(tickets_.begin());
  return {};
}

Result<std::span<std::byte>> Upload::room(const Operation& op) {
  // Whoever looks whether there is more has to be given a place, and what fills one part stays a single PUT.
  if (options_.length && size_ > 0 && size_ == *options_.length) {
    beyond_.resize(kBeyond);
    return beyond_;
  }
  if (auto ready = ensure_slot(op); !ready) return fail(std::move(ready).error());
  if (in_current_ == current_->buffer.bytes().size() && in_current_ < plan_.part_size) {
    if (auto left = leave_stage(op); !left) return fail(std::move(left).error());
  }
  if (in_current_ == plan_.part_size) {
    if (auto sent = send_part(op); !sent) return fail(std::move(sent).error());
    if (auto ready = ensure_slot(op); !ready) return fail(std::move(ready).error());
  }
  auto rest = current_->buffer.bytes().subspan(in_current_);
  return rest.first(std::min(rest.size(), kRoom));
}

Result<void> Upload::ensure_slot(const Operation& op) {
  if (current_ != nullptr) return {};
  // More memory only where nobody has to be waited for, as some is held already.
  if (unused_.empty() && slots_.size() < plan_.slots) {
    const Context at_once = op.context().with_timeout({});
    std::ignore = add_slots(Operation(*bucket_, at_once, "put", object_), 1);
  }
  if (unused_.empty()) {
    std::size_t under_way = slots_.size();
    if (auto waited = wait_for_parts(op, under_way - 1); !waited) return waited;
  }
  current_ = unused_.back();
  unused_.pop_back();
  in_current_ = 0;
  return {};
}

void Upload::filled(std::size_t size) {
  auto bytes = current_->buffer.bytes().subspan(in_current_, size);
  sum_.add(bytes);
  in_current_ += size;
  took(size);
}

void Upload::took(std::uint64_t size) {
  size_ += size;
  if (options_.progress != nullptr) *options_.progress += size;
}

Result<void> Upload::take_source(const Operation& op) {
  while (size_ < source_->file.length) {
    if (auto going = op.check(); !going) return going;
    if (auto taken = straight_ ? send_file_part(op) : read_source(op); !taken) return taken;
  }
  // Parts that are sent from the file are read until the last of them has arrived.
  return straight_ ? wait_for_parts(op, 0) : Result<void>();
}

Result<void> Upload::read_source(const Operation& op) {
  auto into = room(op);
  if (!into) return fail(std::move(into).error());
  const FileSource& from = source_->file;
  auto got = read_at(from.descriptor, from.offset + size_, into->first(std::min(into->size(), from.length - size_)));
  if (!got) return op.failed(std::move(got).error());
  filled(*got);
  return {};
}

Result<void> Upload::start_multipart(const Operation& op) {
  auto goes_on = go_on(op);
  if (!goes_on) return fail(std::move(goes_on).error());
  if (*goes_on) return {};
  CreateUpload create(*bucket_, key_, bucket_->settings().checksum);
  if (auto done = op.run(create); !done) return done;
  upload_id_ = create.upload_id();
  journal_ = bucket_->journal().begin(record());
  return {};
}

JournalRecord Upload::record() const {
  return {.key = key_,
          .upload_id = upload_id_,
          .part_size = plan_.part_size,
          .checksum = std::string(algorithm_of(bucket_->settings().checksum)),
          .source = source_ ? std::optional(source_->state) : std::nullopt,
          .parts = {}};
}

// Whether there is an upload of the same source that a dead writer has left, and the server still has it. Those of
// other sources are given up: what they were to make is now made of this one.
Result<bool> Upload::go_on(const Operation& op) {
  const JournalRecord wanted = record();
  for (auto& dead : bucket_->journal().dead_of(key_)) {
    if (journal_ != nullptr || !dead->record().is_begun(wanted)) {
      const std::string id = dead->record().upload_id;
      abandon_upload(*bucket_, key_, id, std::move(dead));
    } else {
      journal_ = std::move(dead);
    }
  }
  if (!journal_) return false;
  ListParts look(*bucket_, key_, journal_->record().upload_id);
  auto there = bucket_->client().run(op.context(), look);
  if (!there) {
    const bool is_gone = there.error().code == ErrorCode::kNotFound;
    if (is_gone) journal_->remove();
    journal_.reset();  // or it is a dead writer's again
    return is_gone ? Result<bool>(false) : op.failed(std::move(there).error());
  }
  upload_id_ = journal_->record().upload_id;
  log::info("store {}: the upload of {} goes on where it ended: {} parts are there", bucket_->quoted_name(),
            quote(object_), journal_->record().parts.size());
  return true;
}

// What the journal knows of the next part, where the server has one of that size.
const JournalPart* Upload::known_part(std::uint64_t size) const {
  if (!journal_) return nullptr;
  const auto& parts = journal_->record().parts;
  auto known = parts.find(next_part_);
  return known != parts.end() && known->second.size == size ? &known->second : nullptr;
}

Result<void> Upload::send_part(const Operation& op) {
  if (next_part_ > kMostParts) {
    return op.failed(ErrorCode::kInvalidArgument,
                     fmt::format("longer than {} parts of {} bytes: give its length beforehand, or a larger PartSize",
                                 kMostParts, plan_.part_size));
  }
  if (upload_id_.empty()) {
    if (auto started = start_multipart(op); !started) return started;
  }
  PayloadSums sums = sum_.take();
  if (const JournalPart* known = known_part(in_current_); known != nullptr && known->crc32c == sums.crc32c) {
    parts_.emplace(next_part_++, SentPart{.etag = known->etag, .sums = std::move(sums)});
    in_current_ = 0;
    return {};
  }
  if (auto others = wait_for_parts(op, slots_.size()); !others) return others;  // has one failed?
  Slot& slot = *std::exchange(current_, nullptr);
  slot.sums = std::move(sums);
  submit(slot,
         std::make_unique<ObjectPut>(*bucket_, key_, slot.buffer.bytes().first(in_current_), slot.sums, next_part()));
  return {};
}

Result<void> Upload::send_file_part(const Operation& op) {
  if (upload_id_.empty()) {
    if (auto started = start_multipart(op); !started) return started;
  }
  if (auto ready = ensure_slot(op); !ready) return ready;
  Slot& slot = *current_;
  const FileSource& from = source_->file;
  const std::uint64_t size = std::min<std::uint64_t>(plan_.part_size, from.length - size_);
  slot.file = std::make_unique<FilePart>(from.descriptor, from.offset + size_, size,
                                         [this, &slot] { arrivals_.is_missing(slot); });
  if (const JournalPart* known = known_part(size); known != nullptr) {
    auto crc32c = slot.file->sum();
    if (!crc32c) return op.failed(std::move(crc32c).error());
    if (known->crc32c == *crc32c) {
      parts_.emplace(next_part_++, SentPart{.etag = known->etag, .sums = sums_of(size, *crc32c)});
      took(size);
      return {};
    }
  }
  if (auto others = wait_for_parts(op, slots_.size()); !others) return others;  // has one failed?
  current_ = nullptr;
  took(size);
  submit(slot, std::make_unique<ObjectPut>(*bucket_, key_, *slot.file, next_part()));
  return {};
}

ObjectPut::Part Upload::next_part() { return {.upload_id = upload_id_, .number = next_part_++}; }

void Upload::submit(Slot& slot, std::unique_ptr<ObjectPut> put) {
  slot.put = std::move(put);
  net::Exchange* exchange = slot.put.get();
  {
    std::lock_guard lock(arrivals_.mutex);
    ++arrivals_.under_way;
  }
  bucket_->client().submit({&exchange, 1}, arrivals_);
}

void Upload::Arrivals::is_missing(const Slot& slot) {
  std::lock_guard lock(mutex);
  missing.push_back(&slot);
  changed.notify_all();
}

void Upload::Arrivals::finished(std::span<net::Finished> some) {
  std::lock_guard lock(mutex);
  for (net::Finished& one : some) {
    sent.push_back(one.exchange);
    if (!one.result && !failure) failure = std::move(one.result).error();
  }
  under_way -= some.size();
  changed.notify_all();
}

// Waits until at most so many parts are under way. Takes note of those that were sent, and gets from the disk what
// others are to be sent of.
Result<void> Upload::wait_for_parts(const Operation& op, std::size_t at_most_left) {
  while (true) {
    std::unique_lock lock(arrivals_.mutex);
    auto ended = op.context().wait(lock, arrivals_.changed, [&] {
      return arrivals_.failure || !arrivals_.sent.empty() || !arrivals_.missing.empty() ||
             arrivals_.under_way <= at_most_left;
    });
    if (ended) return op.failed(*ended, to_string(*ended));
    if (arrivals_.failure) return op.failed(*arrivals_.failure);
    auto sent = std::exchange(arrivals_.sent, {});
    auto missing = std::exchange(arrivals_.missing, {});
    lock.unlock();
    if (sent.empty() && missing.empty()) return {};
    for (const net::Exchange* put : sent) take_sent(*put);
    for (const Slot* slot : missing) {
      if (!slot->put) continue;  // it was sent by another attempt
      if (auto there = slot->file->fetch(); !there) return op.failed(std::move(there).error());
      bucket_->client().resume(*slot->put);
    }
  }
}

void Upload::take_sent(const net::Exchange& put) {
  Slot& slot =
      **std::ranges::find(slots_, &put, [](const auto& known) -> const net::Exchange* { return known->put.get(); });
  const ObjectPut& sent = *slot.put;
  if (slot.file) slot.sums = sums_of(slot.file->size(), slot.file->crc32c());
  if (journal_) {
    journal_->add_part(sent.number(), {.etag = sent.version(), .size = slot.sums.size, .crc32c = slot.sums.crc32c});
  }
  parts_.emplace(sent.number(), SentPart{.etag = sent.version(), .sums = std::move(slot.sums)});
  slot.put.reset();
  unused_.push_back(&slot);
}

Result<WriteInfo> Upload::finish(const Operation& op) {
  if (upload_id_.empty()) {
    if (auto ready = ensure_slot(op); !ready) return fail(std::move(ready).error());
  }
  auto made = upload_id_.empty() ? put_whole(op) : complete(op);
  if (!made) return fail(std::move(made).error());
  finished_ = true;
  if (journal_) journal_->remove();
  auto written = made->verified ? WriteInfo{.size = size_, .version = made->version, .crc32c = {}}
                                : verify_written(op, key_, size_, made->version, made->checksum);
  if (written) written->crc32c = made->crc32c;
  return written;
}

Result<Upload::Whole> Upload::put_whole(const Operation& op) {
  auto body = std::span<const std::byte>(current_->buffer.bytes().first(in_current_));
  const PayloadSums sums = sum_.take();
  ObjectPut put(*bucket_, key_, body, sums, options_.exclusive);
  Result<Made> made;
  if (auto done = bucket_->client().run(op.context(), put)) {
    // An ETag that is the MD5 of what was sent tells as much as a look at the object.
    made = Made{.version = put.version(), .verified = body.size() <= kCheapToHash && put.version() == md5_hex(body)};
  } else if (put.may_be_ours()) {
    made = find_written(op, key_, size_, md5_hex(body), std::move(done).error());
  } else {
    made = op.failed(std::move(done).error());
  }
  if (!made) return fail(std::move(made).error());
  const bool server_knows = !algorithm_of(bucket_->settings().checksum).empty();
  return Whole{*std::move(made), server_knows ? sums.checksum : "", sums.crc32c};
}

Result<Upload::Whole> Upload::complete(const Operation& op) {
  if (current_ != nullptr && in_current_ > 0) {
    if (auto sent = send_part(op); !sent) return fail(std::move(sent).error());
  }
  if (auto sent = wait_for_parts(op, 0); !sent) return fail(std::move(sent).error());
  const Checksum checksum = bucket_->settings().checksum;
  const bool server_knows = !algorithm_of(checksum).empty();
  std::vector<FinishedPart> parts;
  std::vector<PayloadSums> sums;
  for (const auto& [number, part] : parts_) {
    parts.push_back({.number = number, .etag = part.etag, .checksum = server_knows ? part.sums.checksum : ""});
    sums.push_back(part.sums);
  }
  const std::string whole = checksum_of_parts(checksum, sums);
  auto made = complete_upload(op, key_, upload_id_, parts, whole, size_, options_.exclusive);
  if (!made) return fail(std::move(made).error());
  return Whole{*std::move(made), whole, crc32c_of_parts(sums)};
}

}  // namespace scabbard::s3
