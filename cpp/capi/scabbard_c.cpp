// The C interface: each function checks its arguments, calls the C++, turns the result. Nothing is thrown
// past it.
#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "base/build_id.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "capi/store_config.hpp"
#include "scabbard/scabbard.h"
#include "scabbard/store.hpp"

using scabbard::Context;
using scabbard::Error;
using scabbard::ErrorCode;
using scabbard::fail;
using scabbard::Result;

struct scb_error {
  Error error;
};

struct scb_cancel {
  std::stop_source source;
  std::atomic<int> references = 1;
};

struct scb_store {
  std::shared_ptr<scabbard::Store> store;
};

struct scb_reader {
  std::shared_ptr<scabbard::Store> store;  // outlives the reader
  std::unique_ptr<scabbard::Reader> reader;
};

struct scb_writer {
  std::shared_ptr<scabbard::Store> store;
  std::unique_ptr<scabbard::Writer> writer;
};

struct scb_lister {
  std::shared_ptr<scabbard::Store> store;
  std::unique_ptr<scabbard::Lister> lister;
  std::vector<scabbard::ListEntry> page;
  std::vector<scb_list_entry> entries;
};

struct scb_locator {
  std::unique_ptr<scabbard::Locator> locator;
};

// The entries of one submission: the C++ ones beside the caller's, in the same order.
struct Batch {
  std::vector<scabbard::RangeRead> reads;
  scb_range_read* entries;
  std::size_t left;        // not handed back yet
  bool cancelled = false;  // kept for threads in wait(), which may come back with reads of it
};

struct scb_read_queue {
  std::shared_ptr<scabbard::Store> store;
  std::mutex mutex;                                     // of the next two; no thread of the store ever takes it
  std::map<const scabbard::RangeRead*, Batch> batches;  // by the first of their reads
  size_t waiting = 0;                                   // threads in wait()
  std::unique_ptr<scabbard::ReadQueue> queue;           // destroyed first: it writes into the batches
};

namespace {

// Made when the library is loaded: later there may be no memory for it. Never destroyed.
const auto* const kOutOfMemory = new scb_error{
    {.code = ErrorCode::kInternal, .message = "out of memory", .retryable = true, .system_error = 0, .request_id = {}}};

int32_t give_out_of_memory(scb_error** out) noexcept {
  if (out != nullptr) *out = const_cast<scb_error*>(kOutOfMemory);
  return SCB_EINTERNAL;
}

int32_t give(Error error, scb_error** out) noexcept {
  auto code = static_cast<int32_t>(error.code);
  if (out == nullptr) return code;
  *out = new (std::nothrow) scb_error{std::move(error)};
  return *out != nullptr ? code : give_out_of_memory(out);
}

int32_t give_defect(const char* what, scb_error** out) noexcept {
  try {
    return give({.code = ErrorCode::kInternal, .message = what, .request_id = {}}, out);
  } catch (...) {
    return give_out_of_memory(out);
  }
}

// Runs the body of a function, which returns a Result<void>, and gives its error to the caller.
template <class Body>
int32_t guarded(scb_error** out, Body body) noexcept {
  if (out != nullptr) *out = nullptr;
  try {
    Result<void> result = body();
    return result ? SCB_OK : give(std::move(result).error(), out);
  } catch (const std::bad_alloc&) {
    return give_out_of_memory(out);
  } catch (const std::exception& exception) {
    return give_defect(exception.what(), out);
  } catch (...) {
    return give_defect("an exception of unknown type", out);
  }
}

std::unexpected<Error> null_argument(const char* name) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("argument {} is NULL", name));
}

// Returns from the body where a required pointer is NULL.
#define SCB_REQUIRE(pointer) \
  if ((pointer) == nullptr) return null_argument(#pointer)

Context context_of(const scb_context* context) {
  Context ctx;
  if (context == nullptr) return ctx;
  if (context->cancel != nullptr) ctx = ctx.with_cancel(context->cancel->source.get_token());
  if (context->timeout_ns > 0) ctx = ctx.with_timeout(std::chrono::nanoseconds(context->timeout_ns));
  return ctx;
}

template <std::size_t size>
void copy_text(const std::string& text, char (&into)[size]) {
  std::size_t length = std::min(text.size(), size - 1);
  std::memcpy(into, text.data(), length);
  std::memset(into + length, 0, size - length);
}

int64_t nanoseconds_of(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

void copy_info(const scabbard::ObjectInfo& from, scb_object_info& into) {
  into.size = from.size;
  into.modified_ns = nanoseconds_of(from.modified);
  copy_text(from.version, into.version);
}

void copy_info(const scabbard::WriteInfo& from, scb_write_info* into) {
  if (into == nullptr) return;
  into->size = from.size;
  copy_text(from.version, into->version);
  into->crc32c = from.crc32c.value_or(0);
  into->has_crc32c = from.crc32c ? 1 : 0;
}

scb_stats stats_of(const scabbard::StoreStats& from) {
  scb_stats stats{.requests = from.requests,
                  .attempts = from.attempts,
                  .retries = from.retries,
                  .hedges_issued = from.hedges_issued,
                  .hedges_won = from.hedges_won,
                  .failures = from.failures,
                  .throttles = from.throttles,
                  .connections_opened = from.connections_opened,
                  .bytes_sent = from.bytes_sent,
                  .bytes_received = from.bytes_received,
                  .latency_sum_ns = static_cast<uint64_t>(from.latency.sum.count()),
                  .latencies = {}};
  static_assert(SCB_LATENCY_CLASSES == scabbard::Latencies::kClasses);
  static_assert(SCB_LATENCY_BOUND_NS(SCB_LATENCY_CLASSES - 1) ==
                scabbard::Latencies::bound(SCB_LATENCY_CLASSES - 1).count());
  std::ranges::copy(from.latency.classes, stats.latencies);
  return stats;
}

char* new_string(std::string_view text) noexcept {
  char* copy = new (std::nothrow) char[text.size() + 1];
  if (copy == nullptr) return nullptr;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

Result<void> check_flags(uint32_t flags, uint32_t known) {
  if ((flags & ~known) == 0) return {};
  return fail(ErrorCode::kInvalidArgument, fmt::format("flags {:#x} are not known", flags & ~known));
}

Result<scabbard::CreateOptions> options_of(uint32_t flags, uint64_t length) {
  if (auto valid = check_flags(flags, SCB_CREATE_EXCLUSIVE); !valid) return fail(std::move(valid).error());
  scabbard::CreateOptions options{.exclusive = (flags & SCB_CREATE_EXCLUSIVE) != 0, .length = {}};
  if (length != SCB_LENGTH_UNKNOWN) options.length = length;
  return options;
}

scabbard::RangeRead read_of(const scb_range_read& entry) {
  return {.object = entry.object,
          .offset = entry.offset,
          .into = {static_cast<std::byte*>(entry.into), entry.length},
          .if_version = entry.if_version != nullptr ? entry.if_version : "",
          .got = 0,
          .object_size = 0,
          .version = {}};
}

void copy_result(scabbard::RangeRead& from, scb_range_read& into) {
  into.object_size = from.object_size;
  copy_text(from.version, into.version);
  into.got = from.got.value_or(0);
  into.error = nullptr;
  into.code = from.got ? SCB_OK : give(std::move(from.got).error(), &into.error);
}

Result<std::vector<scabbard::RangeRead>> reads_of(const scb_range_read* entries, size_t count) {
  std::vector<scabbard::RangeRead> reads;
  if (count == 0) return reads;
  SCB_REQUIRE(entries);
  reads.reserve(count);
  for (const scb_range_read& entry : std::span(entries, count)) {
    SCB_REQUIRE(entry.object);
    if (entry.length > 0) SCB_REQUIRE(entry.into);
    reads.push_back(read_of(entry));
  }
  return reads;
}

// Called with the queue's lock held, as is the next: gives the caller what came, unless it was cancelled by then.
size_t hand_over(scb_read_queue& queue, std::span<scabbard::RangeRead* const> finished, scb_range_read** done) {
  size_t handed = 0;
  for (scabbard::RangeRead* read : finished) {
    auto batch = std::prev(queue.batches.upper_bound(read));
    if (batch->second.cancelled) continue;
    done[handed] = batch->second.entries + (read - batch->first);
    copy_result(*read, *done[handed++]);
    if (--batch->second.left == 0) queue.batches.erase(batch);
  }
  return handed;
}

void forget_cancelled(scb_read_queue& queue) {
  if (queue.waiting > 0) return;
  std::erase_if(queue.batches, [](const auto& batch) { return batch.second.cancelled; });
}

// The stores that are open, so that a shutdown finds them. Never destroyed: the host may exit at any time.
class OpenStores {
 public:
  static OpenStores& instance() {
    static auto* stores = new OpenStores;
    return *stores;
  }

  void add(const std::shared_ptr<scabbard::Store>& store) {
    std::lock_guard lock(mutex_);
    std::erase_if(stores_, [](const auto& known) { return known.expired(); });
    stores_.push_back(store);
  }

  void close_all() {
    std::vector<std::weak_ptr<scabbard::Store>> stores;
    {
      std::lock_guard lock(mutex_);
      stores.swap(stores_);
    }
    for (const auto& known : stores) {
      if (auto store = known.lock()) store->close();
    }
  }

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<scabbard::Store>> stores_;
};

// Says so when two stores in folders that can be written lie on one filesystem: the manager counts its free space for
// each.
void note_filesystem(scabbard::Store& store) {
  if (!store.capabilities().local_files || store.config().read_only) return;
  auto space = store.space({});
  if (!space) return;
  static auto* mutex = new std::mutex;
  static auto* seen = new std::map<std::string, scabbard::StoreConfig>;  // by filesystem: its first store
  std::lock_guard lock(*mutex);
  auto [first, added] = seen->emplace(space->filesystem, store.config());
  if (added || first->second.path == store.config().path) return;
  scabbard::log::warn("stores {} and {} lie on one filesystem: damocles counts its free space for each of them",
                      scabbard::quote(first->second.name), scabbard::quote(store.config().name));
}

}  // namespace

int32_t scb_abi_version(void) { return SCB_ABI_VERSION; }
const char* scb_version(void) { return SCABBARD_VERSION; }
const char* scb_build_id(void) { return scabbard::build_id(); }

int32_t scb_error_code(const scb_error* error) {
  return error == nullptr ? SCB_OK : static_cast<int32_t>(error->error.code);
}
const char* scb_error_message(const scb_error* error) { return error == nullptr ? "" : error->error.message.c_str(); }
int32_t scb_error_retryable(const scb_error* error) { return error != nullptr && error->error.retryable ? 1 : 0; }
int32_t scb_error_errno(const scb_error* error) { return error == nullptr ? 0 : error->error.system_error; }
const char* scb_error_request_id(const scb_error* error) {
  return error == nullptr ? "" : error->error.request_id.c_str();
}
void scb_error_free(scb_error* error) {
  if (error != kOutOfMemory) delete error;
}

const char* scb_code_name(int32_t code) {
  return code == SCB_OK ? "ok" : scabbard::to_string(static_cast<ErrorCode>(code)).data();
}

void scb_string_free(char* string) { delete[] string; }

scb_cancel* scb_cancel_new(void) {
  try {
    return new scb_cancel;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void scb_cancel_fire(scb_cancel* cancel) {
  if (cancel != nullptr) cancel->source.request_stop();
}
void scb_cancel_retain(scb_cancel* cancel) {
  if (cancel != nullptr) ++cancel->references;
}
void scb_cancel_free(scb_cancel* cancel) {
  if (cancel != nullptr && --cancel->references == 0) delete cancel;
}

int32_t scb_store_open(const char* config_json, scb_store** store, scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(config_json);
    SCB_REQUIRE(store);
    auto config = scabbard::parse_store_config(config_json);
    if (!config) return fail(std::move(config).error());
    auto opened = scabbard::open_store(*config);
    if (!opened) return fail(std::move(opened).error());
    note_filesystem(**opened);
    OpenStores::instance().add(*opened);
    *store = new scb_store{*std::move(opened)};
    return {};
  });
}

void scb_store_free(scb_store* store) { delete store; }

const char* scb_store_name(const scb_store* store) {
  return store == nullptr ? "" : store->store->config().name.c_str();
}
const char* scb_store_path(const scb_store* store) {
  return store == nullptr ? "" : store->store->config().path.c_str();
}
const char* scb_store_scheme(const scb_store* store) { return store == nullptr ? "" : store->store->scheme().data(); }

char* scb_store_location(const scb_store* store, const char* object) {
  if (store == nullptr || object == nullptr) return nullptr;
  try {
    return new_string(store->store->location(object));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

uint32_t scb_store_capabilities(const scb_store* store) {
  if (store == nullptr) return 0;
  scabbard::Capabilities can = store->store->capabilities();
  uint32_t bits = 0;
  if (can.exclusive_create) bits |= SCB_CAN_CREATE_EXCLUSIVELY;
  if (can.object_beside_folder) bits |= SCB_CAN_NEST_OBJECTS;
  if (can.local_files) bits |= SCB_HAS_LOCAL_FILES;
  if (can.immediate) bits |= SCB_IS_IMMEDIATE;
  if (store->store->config().read_only) bits |= SCB_IS_READ_ONLY;
  return bits;
}

int32_t scb_store_stat(scb_store* store, const scb_context* context, const char* object, scb_object_info* info,
                       scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(store);
    SCB_REQUIRE(object);
    SCB_REQUIRE(info);
    auto found = store->store->stat(context_of(context), object);
    if (!found) return fail(std::move(found).error());
    copy_info(*found, *info);
    return {};
  });
}

int32_t scb_store_remove(scb_store* store, const scb_context* context, const char* object, scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(store);
    SCB_REQUIRE(object);
    return store->store->remove(context_of(context), object);
  });
}

int32_t scb_store_space(scb_store* store, const scb_context* context, scb_space* space, scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(store);
    SCB_REQUIRE(space);
    auto found = store->store->space(context_of(context));
    if (!found) return fail(std::move(found).error());
    space->total = found->total;
    space->free = found->free;
    space->used = found->used;
    space->read_only = found->read_only ? 1 : 0;
    copy_text(found->type, space->type);
    copy_text(found->filesystem, space->filesystem);
    return {};
  });
}

int32_t scb_store_sweep(scb_store* store, const scb_context* context, uint64_t* files, uint64_t* bytes,
                        scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(store);
    auto swept = store->store->sweep(context_of(context));
    if (!swept) return fail(std::move(swept).error());
    if (files != nullptr) *files = swept->files;
    if (bytes != nullptr) *bytes = swept->bytes;
    return {};
  });
}

int32_t scb_store_stats(const scb_store* store, scb_stats* stats, size_t size, scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(store);
    SCB_REQUIRE(stats);
    const scb_stats now = stats_of(store->store->stats());
    std::memset(stats, 0, size);
    std::memcpy(stats, &now, std::min(size, sizeof now));
    return {};
  });
}

int32_t scb_prometheus_text(const scb_store* const* stores, size_t count, char** text, scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    if (count > 0) SCB_REQUIRE(stores);
    SCB_REQUIRE(text);
    std::vector<scabbard::StoreStats> stats;
    for (const scb_store* store : std::span(stores, count)) {
      SCB_REQUIRE(store);
      stats.push_back(store->store->stats());
    }
    char* copy = new_string(scabbard::prometheus_text(stats));
    if (copy == nullptr) throw std::bad_alloc();
    *text = copy;
    return {};
  });
}

int32_t scb_reader_open(scb_store* store, const scb_context* context, const char* object, scb_reader** reader,
                        scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(store);
    SCB_REQUIRE(object);
    SCB_REQUIRE(reader);
    auto opened = store->store->open(context_of(context), object);
    if (!opened) return fail(std::move(opened).error());
    *reader = new scb_reader{store->store, *std::move(opened)};
    return {};
  });
}

void scb_reader_info(const scb_reader* reader, scb_object_info* info) {
  if (reader != nullptr && info != nullptr) copy_info(reader->reader->info(), *info);
}

int32_t scb_reader_read(scb_reader* reader, const scb_context* context, void* into, size_t length, size_t* got,
                        scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(reader);
    SCB_REQUIRE(got);
    if (length > 0) SCB_REQUIRE(into);
    auto read = reader->reader->read(context_of(context), {static_cast<std::byte*>(into), length});
    if (!read) return fail(std::move(read).error());
    *got = *read;
    return {};
  });
}

int32_t scb_reader_read_at(scb_reader* reader, const scb_context* context, uint64_t offset, void* into, size_t length,
                           size_t* got, scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(reader);
    SCB_REQUIRE(got);
    if (length > 0) SCB_REQUIRE(into);
    auto read = reader->reader->read_at(context_of(context), offset, {static_cast<std::byte*>(into), length});
    if (!read) return fail(std::move(read).error());
    *got = *read;
    return {};
  });
}

void scb_reader_seek(scb_reader* reader, uint64_t offset) {
  if (reader != nullptr) reader->reader->seek(offset);
}

uint64_t scb_reader_position(const scb_reader* reader) { return reader == nullptr ? 0 : reader->reader->position(); }

int32_t scb_reader_copy_to(scb_reader* reader, const scb_context* context, int descriptor, uint64_t* copied,
                           scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(reader);
    SCB_REQUIRE(copied);
    uint64_t begin = reader->reader->position();
    auto result = reader->reader->copy_to(context_of(context), descriptor);
    *copied = reader->reader->position() - begin;
    if (!result) return fail(std::move(result).error());
    return {};
  });
}

void scb_reader_free(scb_reader* reader) { delete reader; }

int32_t scb_writer_open(scb_store* store, const scb_context* context, const char* object, uint32_t flags,
                        uint64_t length, scb_writer** writer, scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(store);
    SCB_REQUIRE(object);
    SCB_REQUIRE(writer);
    auto options = options_of(flags, length);
    if (!options) return fail(std::move(options).error());
    auto created = store->store->create(context_of(context), object, *options);
    if (!created) return fail(std::move(created).error());
    *writer = new scb_writer{store->store, *std::move(created)};
    return {};
  });
}

int32_t scb_writer_acquire(scb_writer* writer, const scb_context* context, void** buffer, size_t* capacity,
                           scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(writer);
    SCB_REQUIRE(buffer);
    SCB_REQUIRE(capacity);
    auto acquired = writer->writer->acquire(context_of(context));
    if (!acquired) return fail(std::move(acquired).error());
    *buffer = acquired->data();
    *capacity = acquired->size();
    return {};
  });
}

int32_t scb_writer_commit(scb_writer* writer, const scb_context* context, size_t filled, scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(writer);
    return writer->writer->commit(context_of(context), filled);
  });
}

int32_t scb_writer_finish(scb_writer* writer, const scb_context* context, scb_write_info* info, scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(writer);
    auto written = writer->writer->finish(context_of(context));
    if (!written) return fail(std::move(written).error());
    copy_info(*written, info);
    return {};
  });
}

void scb_writer_free(scb_writer* writer) { delete writer; }

int32_t scb_store_put_file(scb_store* store, const scb_context* context, const char* object, int descriptor,
                           uint64_t offset, uint64_t length, uint32_t flags, scb_write_info* info, scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(store);
    SCB_REQUIRE(object);
    auto options = options_of(flags, SCB_LENGTH_UNKNOWN);
    if (!options) return fail(std::move(options).error());
    scabbard::FileSource source{.descriptor = descriptor, .offset = offset, .length = length};
    auto written = store->store->put_file(context_of(context), object, source, *options);
    if (!written) return fail(std::move(written).error());
    copy_info(*written, info);
    return {};
  });
}

int32_t scb_store_copy(scb_store* store, const scb_context* context, const char* object, scb_store* source,
                       const char* source_object, uint32_t flags, scb_write_info* info, scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(store);
    SCB_REQUIRE(object);
    SCB_REQUIRE(source);
    SCB_REQUIRE(source_object);
    auto options = options_of(flags, SCB_LENGTH_UNKNOWN);
    if (!options) return fail(std::move(options).error());
    auto written = store->store->copy_from(context_of(context), object, *source->store, source_object, *options);
    if (!written) return fail(std::move(written).error());
    copy_info(*written, info);
    return {};
  });
}

int32_t scb_lister_open(scb_store* store, const scb_context* context, const char* folder, uint32_t flags,
                        scb_lister** lister, scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(store);
    SCB_REQUIRE(folder);
    SCB_REQUIRE(lister);
    auto valid = check_flags(flags, SCB_LIST_RECURSIVE | SCB_LIST_NAMES_ONLY | SCB_LIST_NO_FOLLOW);
    if (!valid) return valid;
    auto opened = store->store->list(context_of(context), {.folder = folder,
                                                           .recursive = (flags & SCB_LIST_RECURSIVE) != 0,
                                                           .follow_links = (flags & SCB_LIST_NO_FOLLOW) == 0,
                                                           .names_only = (flags & SCB_LIST_NAMES_ONLY) != 0});
    if (!opened) return fail(std::move(opened).error());
    *lister = new scb_lister{store->store, *std::move(opened), {}, {}};
    return {};
  });
}

int32_t scb_lister_next(scb_lister* lister, const scb_context* context, const scb_list_entry** entries, size_t* count,
                        scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(lister);
    SCB_REQUIRE(entries);
    SCB_REQUIRE(count);
    auto page = lister->lister->next(context_of(context));
    if (!page) return fail(std::move(page).error());
    lister->page = *std::move(page);
    lister->entries.clear();
    for (const scabbard::ListEntry& entry : lister->page) {
      lister->entries.push_back({.name = entry.name.c_str(),
                                 .version = entry.info.version.c_str(),
                                 .size = entry.info.size,
                                 .modified_ns = nanoseconds_of(entry.info.modified),
                                 .is_folder = entry.is_folder ? 1 : 0});
    }
    *entries = lister->entries.data();
    *count = lister->entries.size();
    return {};
  });
}

void scb_lister_free(scb_lister* lister) { delete lister; }

int32_t scb_read_queue_new(scb_store* store, scb_read_queue** queue, scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(store);
    SCB_REQUIRE(queue);
    auto made = std::make_unique<scb_read_queue>();
    made->store = store->store;
    made->queue = store->store->read_queue();
    *queue = made.release();
    return {};
  });
}

int32_t scb_read_queue_submit(scb_read_queue* queue, scb_range_read* entries, size_t count, scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(queue);
    auto reads = reads_of(entries, count);
    if (!reads) return fail(std::move(reads).error());
    if (reads->empty()) return {};
    std::lock_guard lock(queue->mutex);
    const scabbard::RangeRead* first = reads->data();
    auto batch =
        queue->batches.emplace(first, Batch{.reads = *std::move(reads), .entries = entries, .left = count}).first;
    auto submitted = queue->queue->submit(batch->second.reads);
    if (!submitted) queue->batches.erase(batch);
    return submitted;
  });
}

int32_t scb_read_queue_wait(scb_read_queue* queue, const scb_context* context, scb_range_read** done, size_t capacity,
                            size_t* count, scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(queue);
    SCB_REQUIRE(done);
    SCB_REQUIRE(count);
    const Context ctx = context_of(context);
    std::vector<scabbard::RangeRead*> finished(std::min<size_t>(capacity, 1024));
    while (true) {
      {
        std::lock_guard lock(queue->mutex);
        ++queue->waiting;
      }
      auto taken = queue->queue->wait(ctx, finished);
      std::lock_guard lock(queue->mutex);
      --queue->waiting;
      size_t handed = hand_over(*queue, std::span(finished).first(taken.value_or(0)), done);
      forget_cancelled(*queue);
      if (!taken) return fail(std::move(taken).error());
      *count = handed;
      // Where all that came was cancelled meanwhile, others may have been submitted since.
      if (handed > 0 || *taken == 0) return {};
    }
  });
}

void scb_read_queue_cancel(scb_read_queue* queue) {
  if (queue == nullptr) return;
  std::lock_guard lock(queue->mutex);
  queue->queue->cancel();
  for (auto& [first, batch] : queue->batches) batch.cancelled = true;
  forget_cancelled(*queue);
}

void scb_read_queue_free(scb_read_queue* queue) { delete queue; }

int32_t scb_store_read(scb_store* store, const scb_context* context, scb_range_read* entries, size_t count,
                       scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(store);
    auto reads = reads_of(entries, count);
    if (!reads) return fail(std::move(reads).error());
    auto result = store->store->read(context_of(context), *reads);
    for (size_t i = 0; i < count; ++i) copy_result((*reads)[i], entries[i]);
    return result;
  });
}

int32_t scb_locator_new(const char* config_file, scb_locator** locator, scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(locator);
    auto made = scabbard::Locator::create(config_file != nullptr ? config_file : "");
    if (!made) return fail(std::move(made).error());
    *locator = new scb_locator{*std::move(made)};
    return {};
  });
}

int32_t scb_locator_resolve(scb_locator* locator, const scb_context* context, const char* location, scb_store** store,
                            char** object, int32_t* is_local, scb_error** error) {
  return guarded(error, [&]() -> Result<void> {
    SCB_REQUIRE(locator);
    SCB_REQUIRE(location);
    SCB_REQUIRE(store);
    SCB_REQUIRE(object);
    auto found = locator->locator->resolve(context_of(context), location);
    if (!found) return fail(std::move(found).error());
    OpenStores::instance().add(found->store);
    auto handle = std::make_unique<scb_store>(scb_store{found->store});
    char* name = new_string(found->object);
    if (name == nullptr) throw std::bad_alloc();
    *store = handle.release();
    *object = name;
    if (is_local != nullptr) *is_local = found->is_local ? 1 : 0;
    return {};
  });
}

void scb_locator_free(scb_locator* locator) { delete locator; }

void scb_shutdown(void) { OpenStores::instance().close_all(); }
