/**
 * @file
 * The C interface of scabbard: object storage for Filecoin sectors. Compiles as C99 and as C++.
 *
 * @par Names
 * `scb_noun_verb`. Handles are opaque; every `scb_..._free` takes NULL.
 *
 * @par Errors
 * Functions that can fail return SCB_OK (0) or one of the SCB_E codes. Their last parameter, `error`, may be NULL;
 * otherwise it receives NULL on success and a new error on failure, to be released with scb_error_free(). What
 * else a function hands out is written on success only, unless its description says otherwise.
 *
 * @par Strings
 * UTF-8 or any other bytes, terminated by NUL. Strings that are passed in are copied or used during the call only.
 * Strings that come back belong to the object they came from, unless the description says "release with
 * scb_string_free()".
 *
 * @par Units
 * Sizes and offsets are bytes, times are nanoseconds.
 *
 * @par Threads
 * A scb_store, scb_read_queue, scb_locator and scb_cancel may be used from any number of threads at once. A scb_reader
 * may be shared for scb_reader_read_at() only. Everything else belongs to one thread at a time. No function calls back
 * into the caller; none touches memory that the caller gave after it has returned (scb_read_queue excepted, see there).
 *
 * @par Process
 * No signal handlers, no atexit, no fork. Memory, threads and logging are set by environment (SCABBARD_MEMORY,
 * SCABBARD_LOG).
 */
#ifndef SCABBARD_SCABBARD_H
#define SCABBARD_SCABBARD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Marks what the library exports. */
#if defined(__GNUC__)
#define SCB_API __attribute__((visibility("default")))
#else
#define SCB_API
#endif

/** Raised when something in this header changes incompatibly. */
#define SCB_ABI_VERSION 1

/** The SCB_ABI_VERSION that the library was built with. */
SCB_API int32_t scb_abi_version(void);

/** The release, such as "0.1.0". */
SCB_API const char *scb_version(void);

/** Identifies the library's sources and flags: two libraries with the same id are interchangeable. */
SCB_API const char *scb_build_id(void);

/* ---------------------------------------------------------------- errors */

/** What a function returns. The numbers never change. */
enum {
  SCB_OK = 0,                  /**< it worked */
  SCB_ENOT_FOUND = 1,          /**< the object, or the store's own folder, does not exist */
  SCB_EALREADY_EXISTS = 2,     /**< an exclusive create met an object of that name */
  SCB_EINVALID_ARGUMENT = 3,   /**< a malformed option, configuration or parameter */
  SCB_EINVALID_PATH = 4,       /**< the object name is malformed or leaves the store */
  SCB_ENOT_REGULAR_FILE = 5,   /**< something other than a regular file has that name */
  SCB_EREAD_ONLY = 6,          /**< the store, or the filesystem below it, refuses writes */
  SCB_EPERMISSION_DENIED = 7,  /**< the operating system or the server denies access */
  SCB_ENO_SPACE = 8,           /**< disk, quota or capacity is used up */
  SCB_ECANCELLED = 9,          /**< cancelled through a scb_cancel */
  SCB_EDEADLINE_EXCEEDED = 10, /**< the context's timeout passed */
  SCB_EUNAVAILABLE = 11,       /**< the store does not answer */
  SCB_ECHANGED = 12,           /**< the object, or the source, changed while it was being read */
  SCB_ECORRUPT = 13,           /**< the bytes are not those that were written */
  SCB_EUNSUPPORTED = 14,       /**< this backend, or this pair of stores, cannot do that */
  SCB_ECLOSED = 15,            /**< the handle or the library has been shut down */
  SCB_EIO = 16,                /**< an input/output error of the device or connection */
  SCB_EINTERNAL = 17           /**< a defect in scabbard, or memory is exhausted */
};

/** Why a call failed. */
typedef struct scb_error scb_error;

/** One of the SCB_E codes. */
SCB_API int32_t scb_error_code(const scb_error *error);
/** One line: the operation, the object, the store, and why. Never holds a secret. */
SCB_API const char *scb_error_message(const scb_error *error);
/** 1 when the same call may succeed later without anybody changing anything, else 0. */
SCB_API int32_t scb_error_retryable(const scb_error *error);
/** errno of the failed system call, 0 where there was none. */
SCB_API int32_t scb_error_errno(const scb_error *error);
/** The server's id of the failed request; "" where there is none. */
SCB_API const char *scb_error_request_id(const scb_error *error);
/** Releases an error. */
SCB_API void scb_error_free(scb_error *error);

/** The name of a code, such as "not found"; "unknown" for others. */
SCB_API const char *scb_code_name(int32_t code);

/** Releases a string that a function gave away. */
SCB_API void scb_string_free(char *string);

/* ------------------------------------------------- cancelling, time limits */

/** A cancel token, reference-counted. */
typedef struct scb_cancel scb_cancel;

/** A token with one reference; NULL when memory is exhausted. */
SCB_API scb_cancel *scb_cancel_new(void);
/** Ends every call that was given this token, now and later, with SCB_ECANCELLED. Idempotent. */
SCB_API void scb_cancel_fire(scb_cancel *cancel);
/** Takes one reference more. */
SCB_API void scb_cancel_retain(scb_cancel *cancel);
/** Drops one reference. Calls under way keep what they need. */
SCB_API void scb_cancel_free(scb_cancel *cancel);

/** How long a call may take. A NULL context never ends. */
typedef struct scb_context {
  scb_cancel *cancel; /**< may be NULL */
  int64_t timeout_ns; /**< from the start of the call; 0 or less: none */
} scb_context;

/* ---------------------------------------------------------------- stores */

/** An open store. */
typedef struct scb_store scb_store;

/**
 * Opens a store. `config_json` is one JSON object: Path (string, required: a directory, a store folder or
 * a store URL), Name (string), Meta (object of strings: the options of docs/options.md), ReadOnly
 * (boolean), DropIn (boolean); Strict and Weight are accepted and left to the host. Unknown keys are refused.
 * With DropIn the store is like damocles' own filestore: Path is the folder of the objects, whatever Meta.Url
 * or a sectorstore.json in it says, and options that are unknown or not valid are ignored, with a warning.
 * Checks the configuration only; it does not need the server.
 */
SCB_API int32_t scb_store_open(const char *config_json, scb_store **store, scb_error **error);
/** Releases the handle. Readers, writers and queues made from it stay usable. */
SCB_API void scb_store_free(scb_store *store);

/** The store's name: the configured one, else its path. Valid until scb_store_free(). */
SCB_API const char *scb_store_name(const scb_store *store);
/** The store's path, made absolute. Valid until scb_store_free(). */
SCB_API const char *scb_store_path(const scb_store *store);
/** The backend's scheme: "file". */
SCB_API const char *scb_store_scheme(const scb_store *store);
/** Where an object is for a person or another program. Release with scb_string_free; NULL when memory is
 * exhausted. `object` is appended as it is, without a check. */
SCB_API char *scb_store_location(const scb_store *store, const char *object);

/** The bits of scb_store_capabilities(). */
enum {
  SCB_CAN_CREATE_EXCLUSIVELY = 1, /**< SCB_CREATE_EXCLUSIVE is honoured */
  SCB_CAN_NEST_OBJECTS = 2,       /**< an object may exist beside a folder of the same name */
  SCB_HAS_LOCAL_FILES = 4,        /**< the kernel can open scb_store_location */
  SCB_IS_IMMEDIATE = 8,           /**< calls that move no data are answered at once, by this machine */
  SCB_IS_READ_ONLY = 16           /**< by configuration, the store folder's own included */
};
/** What the store can do, as bits. SCB_IS_IMMEDIATE may change while it is open, as mounts come and go. */
SCB_API uint32_t scb_store_capabilities(const scb_store *store);

/** Bytes of an object version, the NUL included. */
#define SCB_VERSION_MAX 128

/** What is known about an object. */
typedef struct scb_object_info {
  uint64_t size;                 /**< bytes */
  int64_t modified_ns;           /**< since 1970-01-01 UTC */
  char version[SCB_VERSION_MAX]; /**< opaque; differs whenever the content was replaced */
} scb_object_info;

/** What is known about an object: SCB_ENOT_FOUND, or SCB_ENOT_REGULAR_FILE where a folder has that name. */
SCB_API int32_t scb_store_stat(scb_store *store, const scb_context *context, const char *object, scb_object_info *info,
                               scb_error **error);
/** Removes an object; SCB_ENOT_FOUND where there is none. */
SCB_API int32_t scb_store_remove(scb_store *store, const scb_context *context, const char *object, scb_error **error);

/** How much fits. */
typedef struct scb_space {
  uint64_t total;      /**< used and unused */
  uint64_t free;       /**< available to this process */
  uint64_t used;       /**< by anybody */
  int32_t read_only;   /**< 1: the filesystem takes no writes, whatever the configuration says */
  char type[32];       /**< what the bytes lie on: "ext4", "nfs" */
  char filesystem[64]; /**< equal for stores that share one filesystem */
} scb_space;
/** How much fits into the store; SCB_EUNAVAILABLE where nobody knows. */
SCB_API int32_t scb_store_space(scb_store *store, const scb_context *context, scb_space *space, scb_error **error);

/** Removes what writers that died on this host left behind; never what the living are writing. `files` and
 * `bytes` may be NULL. */
SCB_API int32_t scb_store_sweep(scb_store *store, const scb_context *context, uint64_t *files, uint64_t *bytes,
                                scb_error **error);

/** Classes of scb_stats.latencies; class i is of what took at most SCB_LATENCY_BOUND_NS(i), the last one has no end. */
#define SCB_LATENCY_CLASSES 22
/** The upper bound of a class: from 64 us on they double. */
#define SCB_LATENCY_BOUND_NS(i) (INT64_C(64000) << (i))

/** What a store has asked of its server since it was opened; of one that asks none all is 0. */
typedef struct scb_stats {
  uint64_t requests;                       /**< asked, however often */
  uint64_t attempts;                       /**< sent */
  uint64_t retries;                        /**< sent again after a failure */
  uint64_t hedges_issued;                  /**< sent again because the first answer was late */
  uint64_t hedges_won;                     /**< of these: came first */
  uint64_t failures;                       /**< ended with an error: not with not found, nor by ourselves */
  uint64_t throttles;                      /**< answers that asked to slow down */
  uint64_t connections_opened;             /**< TCP connections */
  uint64_t bytes_sent;                     /**< of bodies */
  uint64_t bytes_received;                 /**< of bodies */
  uint64_t latency_sum_ns;                 /**< of all attempts that were answered */
  uint64_t latencies[SCB_LATENCY_CLASSES]; /**< how many of them in each class */
} scb_stats;
/** What the store has counted. `size` is sizeof(scb_stats): later releases count more, and fill only as many bytes.
 * What this one does not count is 0. */
SCB_API int32_t scb_store_stats(const scb_store *store, scb_stats *stats, size_t size, scb_error **error);
/** The counts of `count` stores in Prometheus' text format, those of each with the label store="name". Release *text
 * with scb_string_free(). */
SCB_API int32_t scb_prometheus_text(const scb_store *const *stores, size_t count, char **text, scb_error **error);

/* ---------------------------------------------------------------- reading */

/** An object open for reading: goes on with the content it was opened on, or fails with SCB_ECHANGED. */
typedef struct scb_reader scb_reader;

/** Opens an object; SCB_ENOT_FOUND where there is none. */
SCB_API int32_t scb_reader_open(scb_store *store, const scb_context *context, const char *object, scb_reader **reader,
                                scb_error **error);
/** Size, time and version of the content that is being read. */
SCB_API void scb_reader_info(const scb_reader *reader, scb_object_info *info);
/** Reads at the position and moves it. *got < length only at the end, 0 past it. */
SCB_API int32_t scb_reader_read(scb_reader *reader, const scb_context *context, void *into, size_t length, size_t *got,
                                scb_error **error);
/** Reads at `offset` without regard to the position; may be called from any number of threads. */
SCB_API int32_t scb_reader_read_at(scb_reader *reader, const scb_context *context, uint64_t offset, void *into,
                                   size_t length, size_t *got, scb_error **error);
/** Moves the position, in bytes from the start; past the end is allowed. */
SCB_API void scb_reader_seek(scb_reader *reader, uint64_t offset);
/** The position, in bytes from the start. */
SCB_API uint64_t scb_reader_position(const scb_reader *reader);
/** Copies from the position to the end into `descriptor` (a file, pipe or socket) at its own position.
 * *copied is written on failure too. A regular file on a filesystem that hangs holds the call. */
SCB_API int32_t scb_reader_copy_to(scb_reader *reader, const scb_context *context, int descriptor, uint64_t *copied,
                                   scb_error **error);
/** Releases the handle. */
SCB_API void scb_reader_free(scb_reader *reader);

/* ---------------------------------------------------------------- writing */

/** The flags of a new object. */
enum {
  SCB_CREATE_EXCLUSIVE = 1 /**< SCB_EALREADY_EXISTS where an object of that name exists, however late */
};

/** The length of an object that ends where its writer says so. */
#define SCB_LENGTH_UNKNOWN UINT64_MAX

/** What was written. */
typedef struct scb_write_info {
  uint64_t size;                 /**< bytes */
  char version[SCB_VERSION_MAX]; /**< as in scb_object_info */
  uint32_t crc32c;               /**< over the bytes, where has_crc32c is 1 */
  int32_t has_crc32c;            /**< 0 where the kernel copied the bytes unseen */
} scb_write_info;

/** An object being written; nothing of it is visible before scb_writer_finish() has succeeded. */
typedef struct scb_writer scb_writer;

/** Begins an object of `length` bytes, or SCB_LENGTH_UNKNOWN. Nothing is visible under its name before
 * scb_writer_finish has succeeded. */
SCB_API int32_t scb_writer_open(scb_store *store, const scb_context *context, const char *object, uint32_t flags,
                                uint64_t length, scb_writer **writer, scb_error **error);
/** A buffer to fill, at least 64 KiB; valid until the next call on this writer. */
SCB_API int32_t scb_writer_acquire(scb_writer *writer, const scb_context *context, void **buffer, size_t *capacity,
                                   scb_error **error);
/** Takes the first `filled` bytes of the acquired buffer as the object's next bytes. */
SCB_API int32_t scb_writer_commit(scb_writer *writer, const scb_context *context, size_t filled, scb_error **error);
/** Makes the object durable and visible. `info` may be NULL. */
SCB_API int32_t scb_writer_finish(scb_writer *writer, const scb_context *context, scb_write_info *info,
                                  scb_error **error);
/** Releases the handle; an unfinished object is given up and nothing of it stays. */
SCB_API void scb_writer_free(scb_writer *writer);

/** Stores `length` bytes from `offset` of the regular file `descriptor` as an object, by reflink or in the
 * kernel where possible. The descriptor's position is neither used nor moved. SCB_ECHANGED when the file
 * changes meanwhile, as far as its modification time tells. `info` may be NULL. */
SCB_API int32_t scb_store_put_file(scb_store *store, const scb_context *context, const char *object, int descriptor,
                                   uint64_t offset, uint64_t length, uint32_t flags, scb_write_info *info,
                                   scb_error **error);
/** Copies an object between stores without passing its bytes through this process; SCB_EUNSUPPORTED where
 * that cannot be done: read and write instead. `info` may be NULL. */
SCB_API int32_t scb_store_copy(scb_store *store, const scb_context *context, const char *object, scb_store *source,
                               const char *source_object, uint32_t flags, scb_write_info *info, scb_error **error);

/* ---------------------------------------------------------------- listing */

/** A listing under way, in no particular order. Objects that come or go meanwhile may or may not appear. */
typedef struct scb_lister scb_lister;

/** The flags of a listing. */
enum {
  SCB_LIST_RECURSIVE = 1,  /**< the objects of all folders below; otherwise one level, with folders as entries */
  SCB_LIST_NAMES_ONLY = 2, /**< size, time and version may be left empty where they would cost a call for each object */
  SCB_LIST_NO_FOLLOW = 4   /**< does not go into folders that are links to others: they are entries */
};

/** An object or a folder of a listing. */
typedef struct scb_list_entry {
  const char *name;    /**< full object name, or a folder's without trailing '/' */
  const char *version; /**< as in scb_object_info, of an object */
  uint64_t size;       /**< bytes, of an object */
  int64_t modified_ns; /**< since 1970-01-01 UTC, of an object */
  int32_t is_folder;   /**< 1 where it is not an object */
} scb_list_entry;

/** Lists what is below `folder` ("" for all). */
SCB_API int32_t scb_lister_open(scb_store *store, const scb_context *context, const char *folder, uint32_t flags,
                                scb_lister **lister, scb_error **error);
/** The next page: *count entries in *entries, valid until the next call on this lister; 0 at the end. */
SCB_API int32_t scb_lister_next(scb_lister *lister, const scb_context *context, const scb_list_entry **entries,
                                size_t *count, scb_error **error);
/** Releases the handle. */
SCB_API void scb_lister_free(scb_lister *lister);

/* ------------------------------------------------------- many small reads */

/**
 * One range, or with length 0 a stat. The caller fills the first block and keeps the structure, `object`,
 * `into` and `if_version` in place until scb_read_queue_wait hands the entry back or scb_read_queue_cancel
 * or _free returns.
 */
typedef struct scb_range_read {
  const char *object;     /**< the name; a bad one fails this entry only */
  int64_t offset;         /**< negative: from the end */
  void *into;             /**< `length` bytes */
  size_t length;          /**< bytes; 0: a stat */
  const char *if_version; /**< NULL or ""; else another version is SCB_ECHANGED */
  void *user;             /**< the caller's own */

  int32_t code;                  /**< SCB_OK or why this entry failed */
  scb_error *error;              /**< NULL, or the caller's to release */
  size_t got;                    /**< less than length only where the object ends */
  uint64_t object_size;          /**< bytes */
  char version[SCB_VERSION_MAX]; /**< as in scb_object_info */
} scb_range_read;

/** Many small reads at once, finished in any order. */
typedef struct scb_read_queue scb_read_queue;

/** A new queue; scb_store_free() may come before scb_read_queue_free(). */
SCB_API int32_t scb_read_queue_new(scb_store *store, scb_read_queue **queue, scb_error **error);
/** Takes `count` entries; never waits for the store. On failure none was taken. */
SCB_API int32_t scb_read_queue_submit(scb_read_queue *queue, scb_range_read *entries, size_t count, scb_error **error);
/** Waits for at least one entry and hands back up to `capacity` in any order; *count is 0 when nothing is
 * under way. */
SCB_API int32_t scb_read_queue_wait(scb_read_queue *queue, const scb_context *context, scb_range_read **done,
                                    size_t capacity, size_t *count, scb_error **error);
/** Gives up everything under way; those entries are not handed back any more. */
SCB_API void scb_read_queue_cancel(scb_read_queue *queue);
/** Cancels what is under way and releases the handle. */
SCB_API void scb_read_queue_free(scb_read_queue *queue);

/** Submits `count` entries and waits for all: each has its own result. Fails as a whole only where the
 * context ended or the store was closed; the entries that did not finish say so then. */
SCB_API int32_t scb_store_read(scb_store *store, const scb_context *context, scb_range_read *entries, size_t count,
                               scb_error **error);

/* ------------------------------------------------------------- locations */

/** Finds what paths and URLs mean. Keeps the stores that it has opened. May be used from any number of threads. */
typedef struct scb_locator scb_locator;

/** Reads the configuration file: `config_file`, or where that is NULL the one named by SCABBARD_CONFIG, if any. */
SCB_API int32_t scb_locator_new(const char *config_file, scb_locator **locator, scb_error **error);
/**
 * Finds the store and the object that a path or URL means: the nearest store folder above a path, a store of the
 * configuration file for a URL, else the local file: *is_local, which may be NULL, is 1 then. Release *store with
 * scb_store_free() and *object ("" for the store itself) with scb_string_free().
 */
SCB_API int32_t scb_locator_resolve(scb_locator *locator, const scb_context *context, const char *location,
                                    scb_store **store, char **object, int32_t *is_local, scb_error **error);
/** Releases the handle. The stores that it found stay usable. */
SCB_API void scb_locator_free(scb_locator *locator);

/** Closes every open store and joins scabbard's threads; calls under way and later ones fail with
 * SCB_ECLOSED. Stores opened afterwards work. */
SCB_API void scb_shutdown(void);

#ifdef __cplusplus
}
#endif

#endif
