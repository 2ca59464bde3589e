/// @file
/// A store keeps objects: named, immutable sequences of bytes that appear whole or not at all.
///
/// This header is the whole C++ interface to storage, blocking and queued, the same for every backend.
/// What a backend cannot do stands in its Capabilities; nobody asks for its type.
///
/// Object names are relative, '/' separates folders: "sealed/s-t01000-7". A name is never empty, has no
/// leading or trailing '/', no empty, "." or ".." component and no NUL; anything else is allowed.
/// Components that begin with ".scabbard-tmp-", and the file sectorstore.json at the root of a store
/// folder, are the store's own: they are never listed and are refused with kInvalidPath.
///
/// Threads: a Store and a ReadQueue may be used from any number of threads at once. Readers may share
/// read_at(); their read() and seek(), and Writers, belong to one thread at a time.
///
/// Memory: no call returns while anything can still write into memory that the caller gave.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scabbard/api.hpp"
#include "scabbard/context.hpp"
#include "scabbard/error.hpp"
#include "scabbard/stats.hpp"

namespace scabbard {

/// What a store is opened with: damocles' objstore.Config, or a `[[store]]` entry, field by field.
struct StoreConfig {
  /// The store's name in damocles; `path` made absolute where it is empty.
  std::string name;
  /// A directory, a store folder (one that holds sectorstore.json) or a store URL.
  std::string path;
  /// Options, see docs/options.md. Unknown ones are refused.
  std::map<std::string, std::string> meta;
  /// Refuse writes with kReadOnly.
  bool read_only = false;
  /// Stands in for damocles' own filestore, which looks at its folder and nothing else: `path` is the folder of
  /// the objects, whatever `meta` (Url) or a sectorstore.json there says; options that are unknown or not valid
  /// are ignored, each with a warning in the log.
  bool drop_in = false;
};

/// What a backend can do.
struct Capabilities {
  /// create() and put_file() honour `exclusive`.
  bool exclusive_create = false;
  /// An object may exist beside a folder of the same name ("a" and "a/b").
  bool object_beside_folder = false;
  /// Objects are files that the kernel can open at location(object).
  bool local_files = false;
  /// Calls that move no data are answered by this machine, at once: they need no cancelling. May change
  /// while the store is open, as mounts come and go.
  bool immediate = false;
  std::size_t max_component = 255;  ///< Bytes, of one component of a name.
  std::size_t max_name = 1024;      ///< Bytes, of a whole name.
};

/// What is known about an object.
struct ObjectInfo {
  std::uint64_t size = 0;  ///< bytes
  /// Last modification, to the backend's precision.
  std::chrono::system_clock::time_point modified;
  /// Opaque; differs whenever the content was replaced. At most 127 bytes.
  std::string version;
};

/// What was written.
struct WriteInfo {
  std::uint64_t size = 0;  ///< bytes
  std::string version;     ///< As in ObjectInfo.
  /// Sum over the bytes, absent where the kernel copied them unseen.
  std::optional<std::uint32_t> crc32c;
  /// Right afterwards another object was there: somebody else writes the same one. Only of stores that are asked.
  bool replaced = false;
};

/// How an object is created.
struct CreateOptions {
  /// Fail with kAlreadyExists where an object of that name exists, however late it appears.
  bool exclusive = false;
  /// The length in bytes, if known beforehand. A different length in the end is an error.
  std::optional<std::uint64_t> length;
  /// Where not null, raised by every run of bytes as it is taken: for showing how far a long write is. Must outlive
  /// the write.
  std::atomic<std::uint64_t>* progress = nullptr;
  /// A link that has the object's name stays, and what it leads to is replaced; otherwise the link itself is.
  bool through_link = true;
  /// What ends in the middle for a reason that may pass (the context, an outage) stays on the server, and the next
  /// put_file() of the same file goes on with it. Otherwise it is given up.
  bool resumable = false;
};

/// One of the copies of Store::copy_many_from(): input above, output below.
struct ObjectCopy {
  std::string source;          ///< the object there
  std::string object;          ///< the object here
  CreateOptions options = {};  ///< as for create()

  Result<WriteInfo> result = WriteInfo{};  ///< what was written, or why not
};

/// One of the removals of Store::remove_many(): input above, output below.
struct ObjectRemoval {
  std::string object;  ///< its name

  Result<void> result = {};  ///< why it is still there; kNotFound may be told where there was none, or not
};

/// A range of an open regular file. The descriptor stays the caller's; its position is neither used nor
/// moved.
struct FileSource {
  int descriptor = -1;       ///< Open for reading.
  std::uint64_t offset = 0;  ///< bytes
  std::uint64_t length = 0;  ///< bytes
};

/// An object open for reading. Goes on reading the content it was opened on, or fails with kChanged:
/// never a mixture.
class SCABBARD_API Reader {
 public:
  virtual ~Reader() = default;
  /// Of the content that is being read.
  virtual const ObjectInfo& info() const = 0;

  /// Reads at the position and moves it. Fewer bytes than asked for only at the end, 0 past it.
  virtual Result<std::size_t> read(const Context& ctx, std::span<std::byte> into) = 0;
  /// Moves the position, in bytes from the start; past the end is allowed.
  virtual void seek(std::uint64_t offset) = 0;

  /// Reads at `offset` without regard to the position; any number of threads.
  virtual Result<std::size_t> read_at(const Context& ctx, std::uint64_t offset, std::span<std::byte> into) = 0;

  /// Copies from the position to the end into `descriptor`, a regular file, pipe or socket, at that
  /// descriptor's own position. Moves both positions. Returns the bytes copied; after an error the
  /// position tells how far it came. A regular file on a filesystem that hangs holds the call. `progress` as in
  /// CreateOptions.
  virtual Result<std::uint64_t> copy_to(const Context& ctx, int descriptor,
                                        std::atomic<std::uint64_t>* progress = nullptr) = 0;
  /// In bytes from the start.
  virtual std::uint64_t position() const = 0;
};

/// An object being written. Nothing is visible under its name before finish() has succeeded; destroying
/// an unfinished Writer gives the object up and removes what was written so far.
class SCABBARD_API Writer {
 public:
  virtual ~Writer() = default;

  /// A buffer to fill, at least 64 KiB. Valid until the next call on this Writer.
  virtual Result<std::span<std::byte>> acquire(const Context& ctx) = 0;
  /// Takes the first `filled` bytes of the acquired buffer as the next bytes of the object.
  virtual Result<void> commit(const Context& ctx, std::size_t filled) = 0;
  /// Makes the object durable and visible. An error means that the name still holds what it held
  /// before, or (only where the message says so) the new object whole but perhaps not yet durable.
  virtual Result<WriteInfo> finish(const Context& ctx) = 0;

  /// acquire, copy, commit until `bytes` are taken.
  Result<void> write(const Context& ctx, std::span<const std::byte> bytes);
};

/// One entry of a ReadQueue: a range, or with an empty `into` a stat. Input above, output below.
struct RangeRead {
  std::string_view object;  ///< The name; a bad one fails this entry only.
  /// Bytes from the start; negative: from the end (-64 is the last 64 bytes).
  std::int64_t offset = 0;
  std::span<std::byte> into;  ///< As many bytes as are wanted.
  /// If not empty: another version of the object is kChanged.
  std::string_view if_version;

  /// Bytes read: fewer than asked for only where the object ends.
  Result<std::size_t> got = 0;
  std::uint64_t object_size = 0;  ///< bytes
  std::string version;            ///< As in ObjectInfo.
};

/// Many small reads at once, taken in any order. Entries and the memory they point to belong to the
/// queue from submit() until wait() hands them back or cancel() returns.
class SCABBARD_API ReadQueue {
 public:
  /// Cancels what is still under way.
  virtual ~ReadQueue() = default;

  /// Never blocks on the store. An error (kClosed; kInternal without threads; kUnavailable for a store that could
  /// not be opened yet) means that none of the entries was taken.
  virtual Result<void> submit(std::span<RangeRead> entries) = 0;
  /// Waits for at least one entry and hands back up to done.size(); 0 when nothing is under way.
  virtual Result<std::size_t> wait(const Context& ctx, std::span<RangeRead*> done) = 0;
  /// Ends everything under way; entries not yet handed back by wait() are not handed back any more.
  virtual void cancel() = 0;
};

/// What is listed.
struct ListOptions {
  /// List below this folder only; empty: the whole store. A folder without objects lists nothing.
  std::string folder;
  /// Objects of all folders below; otherwise one level, with folders as entries.
  bool recursive = true;
  /// Go into folders that are links to others, too; otherwise they are entries, as in a listing of one level, and
  /// where `folder` is one it is kNotRegularFile. Only of stores with local files.
  bool follow_links = true;
  /// What is neither object nor folder is an entry too: a link to nowhere, a pipe, a device; on S3 a key that is no
  /// object's name ("a//b"), though not one that marks a folder ("folder/").
  bool others = false;
  /// Only names are wanted: `info` may be left empty where it would cost a call for each object.
  bool names_only = false;
};

/// An object or a folder of a listing.
struct ListEntry {
  std::string name;        ///< full object name, or a folder's name without trailing '/'
  bool is_folder = false;  ///< Of one level, or a link that is not followed.
  bool is_other = false;   ///< Neither; only where that was asked for.
  ObjectInfo info;         ///< of an object
};

/// A listing under way, in no particular order. Objects that come or go meanwhile may or may not appear;
/// every other one appears exactly once.
class SCABBARD_API Lister {
 public:
  virtual ~Lister() = default;
  /// The next page, at most a few thousand entries; empty at the end.
  virtual Result<std::vector<ListEntry>> next(const Context& ctx) = 0;
};

/// How much fits. Bytes.
struct Space {
  std::uint64_t total = 0;  ///< used and unused
  std::uint64_t free = 0;   ///< available to this process
  std::uint64_t used = 0;   ///< by anybody
  /// The filesystem takes no writes: mounted so, or turned so by the kernel after errors.
  bool read_only = false;
  /// What the bytes lie on ("ext4", "nfs", "s3"), for display.
  std::string type;
  /// Equal for two stores that share one filesystem, so that their space is not counted twice.
  std::string filesystem;
};

/// What a sweep removed: leftovers of writers that died on this host.
struct SweepResult {
  std::uint64_t files = 0;  ///< how many
  std::uint64_t bytes = 0;  ///< their sizes together
};

/// A write that was begun and neither finished nor given up, by whomever: on S3 a multipart upload, whose parts take
/// space that no listing shows.
struct UnfinishedWrite {
  std::string object;                           ///< what it would become
  std::string id;                               ///< the server's
  std::chrono::system_clock::time_point begun;  ///< when, by the server's clock; the epoch where it does not say
  std::uint64_t bytes = 0;                      ///< that have arrived
};

/// Where objects are kept. Made by open_store() or a Locator, held by a shared pointer; Readers, Writers, Listers and
/// ReadQueues have to end before the last pointer to their Store goes.
class SCABBARD_API Store {
 public:
  virtual ~Store() = default;

  /// What the store was opened with, name and path filled in.
  virtual const StoreConfig& config() const = 0;
  /// The scheme of the backend: "file", later "s3", "http".
  virtual std::string_view scheme() const = 0;
  /// What this backend can do.
  virtual Capabilities capabilities() const = 0;
  /// Where an object is for a person or another program: a path where config().path is one.
  virtual std::string location(std::string_view object) const = 0;

  /// kNotFound, or kNotRegularFile where a folder has that name.
  virtual Result<ObjectInfo> stat(const Context& ctx, std::string_view object) = 0;
  /// Opens an object for reading; errors as stat().
  virtual Result<std::unique_ptr<Reader>> open(const Context& ctx, std::string_view object) = 0;
  /// Creates or replaces an object; folders are made as needed.
  virtual Result<std::unique_ptr<Writer>> create(const Context& ctx, std::string_view object,
                                                 const CreateOptions& options = {}) = 0;
  /// create, write and finish in one, from a file: by reflink or in the kernel where possible, holes
  /// kept. kChanged when the source changes meanwhile, as far as its modification time tells: what is written
  /// through a memory map may escape it.
  virtual Result<WriteInfo> put_file(const Context& ctx, std::string_view object, const FileSource& source,
                                     const CreateOptions& options = {}) = 0;
  /// Copies from `source` without passing the bytes through this process. Each copy has a result of its own,
  /// kUnsupported where that cannot be done: read there and write here instead. What makes objects durable is done
  /// once for all, so that a hundred small ones cost little more than one; they become visible at the end, one
  /// after the other. Each holds a descriptor until then.
  virtual void copy_many_from(const Context& ctx, Store& source, std::span<ObjectCopy> copies) = 0;
  /// Removes an object; kNotFound where there is none.
  virtual Result<void> remove(const Context& ctx, std::string_view object) = 0;
  /// Removes objects, with as few requests as the backend needs. Each has a result of its own.
  virtual void remove_many(const Context& ctx, std::span<ObjectRemoval> removals);
  /// Removes a folder in which there are no objects, and those below it, with what dead writers left in them; links
  /// are left alone. An empty name is the store itself, of which only the folders in it go. Nothing where the backend
  /// has no folders, or no such one, but for what dead writers left there or of an object of that name. What is in them
  /// and is no object (a device, a link to nowhere) is kIo.
  virtual Result<void> remove_folder(const Context& ctx, std::string_view folder) = 0;
  /// Begins a listing.
  virtual Result<std::unique_ptr<Lister>> list(const Context& ctx, const ListOptions& options = {}) = 0;
  /// How much fits; kUnavailable where nobody knows.
  virtual Result<Space> space(const Context& ctx) = 0;
  /// Removes leftovers of writers that died on this host; never those of the living.
  virtual Result<SweepResult> sweep(const Context& ctx) = 0;
  /// Those of one folder only, and not below it. Nothing where the backend has no folders, or no such one.
  virtual Result<SweepResult> sweep_folder(const Context& ctx, std::string_view folder);
  /// Writes under way of the object or below the folder `name` (empty: the store), of any host, also those of the
  /// living. kUnsupported where the backend cannot tell; MinIO tells only of those of an object.
  virtual Result<std::vector<UnfinishedWrite>> unfinished_writes(const Context& ctx, std::string_view name = {});
  /// Gives one of them up for its writer, dead or alive, which then fails.
  virtual Result<void> give_up(const Context& ctx, const UnfinishedWrite& write);
  /// What it has asked of its server since it was opened. One that asks none has nothing to count: all is zero.
  virtual StoreStats stats() const;
  /// A new queue of small reads.
  virtual std::unique_ptr<ReadQueue> read_queue() = 0;
  /// Lets every call under way fail with kClosed, later ones too, and joins the store's threads (those
  /// stuck in the kernel are left behind; they own all they touch). Idempotent.
  virtual void close() = 0;

  /// One copy of copy_many_from().
  Result<WriteInfo> copy_from(const Context& ctx, std::string_view object, Store& source,
                              std::string_view source_object, const CreateOptions& options = {});

  /// Submits the entries and waits for all of them. An error is the context's; each entry has its own
  /// result, and those that did not finish have the context's error.
  Result<void> read(const Context& ctx, std::span<RangeRead> entries);
};

/// Opens a store. Checks the configuration only: a server that is down, or a mount that hangs, fails the
/// calls and not the opening. A plain directory must exist.
SCABBARD_API Result<std::shared_ptr<Store>> open_store(const StoreConfig& config);

/// An object in a store.
struct Location {
  std::shared_ptr<Store> store;  ///< never empty
  std::string object;            ///< empty: the store itself
  /// It lies in no store: `store` is made up for the nearest folder that exists.
  bool is_local = false;
};

/// Finds the store and the object that a path or URL means: the nearest store folder above a path, an
/// entry of the configuration file (`config_file`, else the file named by SCABBARD_CONFIG) for a URL, or
/// else the local file itself. Stores are opened once and shared.
class SCABBARD_API Locator {
 public:
  /// Reads the configuration file, if there is one.
  static Result<std::unique_ptr<Locator>> create(std::string_view config_file = {});
  virtual ~Locator() = default;
  /// kNotFound for a URL that no entry of the configuration file covers.
  virtual Result<Location> resolve(const Context& ctx, std::string_view location) = 0;
  /// The file or folder of that path, whatever store it lies in.
  virtual Result<Location> resolve_local(const Context& ctx, std::string_view path) = 0;
  /// The store that the configuration file or an already resolved store folder calls `name`.
  virtual Result<std::shared_ptr<Store>> named(std::string_view name) = 0;
};

}  // namespace scabbard
