/*
 * A C99 program that uses every function of scabbard.h against libscabbard.so, in a store of its own below
 * TMPDIR. Each test is a function named after what it says; main runs them all in order.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scabbard/scabbard.h"

const char *capi_code_name_from_c99(int32_t code);
const char *capi_code_name_from_cxx(int32_t code);

static int passed, failed;       /* tests */
static int failures;             /* of the running test */
static char folder[256];         /* of this program */
static char store_folder[300];   /* below it */
static scb_store *store;         /* of the running test */
static const scb_context *never; /* NULL: a context that never ends */

static void report(const char *file, int line, const char *what) {
  failures++;
  printf("%s:%d: %s\n", file, line, what);
}
#define EXPECT(condition)                                            \
  do {                                                               \
    if (!(condition)) report(__FILE__, __LINE__, "not " #condition); \
  } while (0)

/* Expects a code; a failure has to come with an error that agrees with it. Releases the error. */
static void expect_code(const char *file, int line, int32_t wanted, int32_t code, scb_error *error) {
  char text[512];
  if (code != wanted) {
    snprintf(text, sizeof text, "%s instead of %s: %s", code == SCB_OK ? "ok" : scb_code_name(code),
             wanted == SCB_OK ? "ok" : scb_code_name(wanted), error ? scb_error_message(error) : "no error");
    report(file, line, text);
  }
  if ((code == SCB_OK) != (error == NULL)) report(file, line, "code and error disagree on whether it failed");
  if (error != NULL) {
    if (scb_error_code(error) != code) report(file, line, "scb_error_code is another code");
    if (strlen(scb_error_message(error)) == 0) report(file, line, "empty message");
    if (strchr(scb_error_message(error), '\n') != NULL) report(file, line, "message of several lines");
  }
  scb_error_free(error);
}
/* `call` has to pass &error. */
#define EXPECT_CODE(wanted, call)                         \
  do {                                                    \
    scb_error *error = NULL;                              \
    int32_t code = (call);                                \
    expect_code(__FILE__, __LINE__, wanted, code, error); \
  } while (0)
#define EXPECT_OK(call) EXPECT_CODE(SCB_OK, call)

/* ------------------------------------------------------------------ helpers of the tests */

static int32_t open_at(const char *path, const char *more, scb_store **opened, scb_error **error) {
  char config[800];
  snprintf(config, sizeof config, "{\"Name\":\"c store\",\"Path\":\"%s\"%s}", path, more);
  return scb_store_open(config, opened, error);
}

static void put_text(const char *object, const char *text) {
  scb_writer *writer = NULL;
  void *buffer = NULL;
  size_t capacity = 0;
  EXPECT_OK(scb_writer_open(store, never, object, 0, (int64_t)strlen(text), &writer, &error));
  if (writer == NULL) return;
  EXPECT_OK(scb_writer_acquire(writer, never, &buffer, &capacity, &error));
  EXPECT(capacity >= 65536);
  memcpy(buffer, text, strlen(text));
  EXPECT_OK(scb_writer_commit(writer, never, strlen(text), &error));
  EXPECT_OK(scb_writer_finish(writer, never, NULL, &error));
  scb_writer_free(writer);
}

/* The whole of a small object as text; "" where it cannot be read. */
static const char *text_of(const char *object) {
  static char text[256];
  scb_reader *reader = NULL;
  size_t got = 0;
  text[0] = '\0';
  if (scb_reader_open(store, never, object, &reader, NULL) != SCB_OK) return text;
  if (scb_reader_read(reader, never, text, sizeof text - 1, &got, NULL) == SCB_OK) text[got] = '\0';
  scb_reader_free(reader);
  return text;
}

/* A descriptor on a new file that holds `text`, already unlinked. */
static int file_with(const char *text) {
  char path[300];
  int descriptor;
  snprintf(path, sizeof path, "%s/file-XXXXXX", folder);
  descriptor = mkstemp(path);
  if (descriptor < 0 || write(descriptor, text, strlen(text)) != (ssize_t)strlen(text)) abort();
  unlink(path);
  return descriptor;
}

static int files_below_store(void) {
  int count = 0;
  DIR *stream = opendir(store_folder);
  struct dirent *entry;
  if (stream == NULL) return -1;
  while ((entry = readdir(stream)) != NULL)
    count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
  closedir(stream);
  return count;
}

/* ------------------------------------------------------------------ tests */

static void library_says_what_it_is(void) {
  EXPECT(scb_abi_version() == SCB_ABI_VERSION);
  EXPECT(strlen(scb_version()) >= 5);
  EXPECT(strncmp(scb_build_id(), scb_version(), strlen(scb_version())) == 0);
  EXPECT(strlen(scb_build_id()) > strlen(scb_version()));
}

static void every_code_has_a_name_of_its_own(void) {
  int32_t code, other;
  EXPECT(strcmp(scb_code_name(SCB_ENOT_FOUND), "not found") == 0);
  EXPECT(strcmp(capi_code_name_from_c99(SCB_EIO), capi_code_name_from_cxx(SCB_EIO)) == 0);
  for (code = SCB_ENOT_FOUND; code <= SCB_EINTERNAL; code++)
    for (other = SCB_ENOT_FOUND; other < code; other++) EXPECT(strcmp(scb_code_name(code), scb_code_name(other)) != 0);
  EXPECT(strcmp(scb_code_name(SCB_EINTERNAL + 1), "unknown") == 0);
  EXPECT(strcmp(scb_code_name(-1), "unknown") == 0);
}

static void freeing_nothing_is_allowed(void) {
  scb_error_free(NULL);
  scb_string_free(NULL);
  scb_cancel_free(NULL);
  scb_store_free(NULL);
  scb_reader_free(NULL);
  scb_writer_free(NULL);
  scb_lister_free(NULL);
  scb_read_queue_free(NULL);
}

static void wrong_configurations_are_refused(void) {
  scb_store *none = NULL;
  EXPECT_CODE(SCB_EINVALID_ARGUMENT, scb_store_open("", &none, &error));
  EXPECT_CODE(SCB_EINVALID_ARGUMENT, scb_store_open("{\"Path\":", &none, &error));
  EXPECT_CODE(SCB_EINVALID_ARGUMENT, scb_store_open("[]", &none, &error));
  EXPECT_CODE(SCB_EINVALID_ARGUMENT, scb_store_open("{}", &none, &error));
  EXPECT_CODE(SCB_EINVALID_ARGUMENT, scb_store_open("{\"Path\":1}", &none, &error));
  EXPECT_CODE(SCB_EINVALID_ARGUMENT, open_at(store_folder, ",\"Surprise\":1", &none, &error));
  EXPECT_CODE(SCB_EINVALID_ARGUMENT, open_at(store_folder, ",\"Meta\":{\"Surprise\":\"1\"}", &none, &error));
  EXPECT_CODE(SCB_EINVALID_ARGUMENT, scb_store_open(NULL, &none, &error));
  EXPECT_CODE(SCB_EINVALID_ARGUMENT, open_at(store_folder, "", NULL, &error));
  EXPECT_CODE(SCB_ENOT_FOUND, open_at("/nonexistent/store", "", &none, &error));
  EXPECT(scb_store_open("{", &none, NULL) == SCB_EINVALID_ARGUMENT);
  EXPECT(none == NULL);
}

static void host_only_keys_are_accepted(void) {
  scb_store *opened = NULL;
  EXPECT_OK(open_at(store_folder, ",\"Strict\":true,\"Weight\":3,\"ReadOnly\":false,\"DropIn\":false,\"Meta\":{}",
                    &opened, &error));
  scb_store_free(opened);
}

static void store_says_what_it_was_opened_with(void) {
  char expected[400];
  char *location = scb_store_location(store, "sealed/s-t01000-7");
  snprintf(expected, sizeof expected, "%s/sealed/s-t01000-7", store_folder);
  EXPECT(location != NULL && strcmp(location, expected) == 0);
  scb_string_free(location);
  EXPECT(strcmp(scb_store_name(store), "c store") == 0);
  EXPECT(strcmp(scb_store_path(store), store_folder) == 0);
  EXPECT(strcmp(scb_store_scheme(store), "file") == 0);
  EXPECT((scb_store_capabilities(store) & SCB_HAS_LOCAL_FILES) != 0);
}

static void missing_object_is_not_found(void) {
  scb_object_info info;
  scb_reader *reader = NULL;
  EXPECT_CODE(SCB_ENOT_FOUND, scb_store_stat(store, never, "sealed/none", &info, &error));
  EXPECT_CODE(SCB_ENOT_FOUND, scb_reader_open(store, never, "sealed/none", &reader, &error));
  EXPECT_CODE(SCB_ENOT_FOUND, scb_store_remove(store, never, "sealed/none", &error));
  EXPECT(reader == NULL);
}

static void error_says_what_failed(void) {
  scb_object_info info;
  scb_error *error = NULL;
  EXPECT(scb_store_stat(store, never, "sealed/none", &info, &error) == SCB_ENOT_FOUND);
  EXPECT(error != NULL && strstr(scb_error_message(error), "sealed/none") != NULL);
  EXPECT(error != NULL && strstr(scb_error_message(error), "c store") != NULL);
  EXPECT(error != NULL && scb_error_retryable(error) == 0);
  EXPECT(error != NULL && scb_error_errno(error) == ENOENT);
  EXPECT(error != NULL && strcmp(scb_error_request_id(error), "") == 0);
  scb_error_free(error);
}

static void error_is_reset_by_success(void) {
  scb_space space;
  scb_error *error = (scb_error *)(void *)&space; /* whatever was there before */
  EXPECT(scb_store_space(store, never, &space, &error) == SCB_OK);
  EXPECT(error == NULL);
}

static void hostile_names_are_refused(void) {
  const char *names[] = {"",    "/etc/passwd",      "../outside",      "a/../../b",        "a//b", "a/", ".",
                         "./a", "sectorstore.json", ".scabbard-tmp-x", "a/.scabbard-tmp-x"};
  scb_object_info info;
  size_t i;
  for (i = 0; i < sizeof names / sizeof *names; i++)
    EXPECT_CODE(SCB_EINVALID_PATH, scb_store_stat(store, never, names[i], &info, &error));
  EXPECT_CODE(SCB_EINVALID_ARGUMENT, scb_store_stat(store, never, NULL, &info, &error));
}

static void written_object_is_read_back(void) {
  scb_object_info info;
  put_text("sealed/s-t01000-7", "replica");
  EXPECT_OK(scb_store_stat(store, never, "sealed/s-t01000-7", &info, &error));
  EXPECT(info.size == 7);
  EXPECT(info.modified_ns > INT64_C(1500000000) * 1000000000);
  EXPECT(strlen(info.version) > 0);
  EXPECT(strcmp(text_of("sealed/s-t01000-7"), "replica") == 0);
}

static void replacing_an_object_changes_its_version(void) {
  scb_object_info before, after;
  put_text("object", "one");
  EXPECT_OK(scb_store_stat(store, never, "object", &before, &error));
  put_text("object", "two");
  EXPECT_OK(scb_store_stat(store, never, "object", &after, &error));
  EXPECT(strcmp(before.version, after.version) != 0);
  EXPECT(strcmp(text_of("object"), "two") == 0);
}

static void reader_reads_seeks_and_copies(void) {
  scb_reader *reader = NULL;
  scb_object_info info;
  char bytes[16];
  size_t got = 99;
  uint64_t copied = 99;
  int descriptor = file_with("");
  put_text("object", "0123456789");
  EXPECT_OK(scb_reader_open(store, never, "object", &reader, &error));
  if (reader == NULL) return;
  scb_reader_info(reader, &info);
  EXPECT(info.size == 10);

  EXPECT_OK(scb_reader_read(reader, never, bytes, 4, &got, &error));
  EXPECT(got == 4 && memcmp(bytes, "0123", 4) == 0);
  EXPECT(scb_reader_position(reader) == 4);
  EXPECT_OK(scb_reader_read_at(reader, never, 8, bytes, sizeof bytes, &got, &error));
  EXPECT(got == 2 && memcmp(bytes, "89", 2) == 0);
  EXPECT(scb_reader_position(reader) == 4);
  EXPECT_OK(scb_reader_copy_to(reader, never, descriptor, &copied, &error));
  EXPECT(copied == 6 && scb_reader_position(reader) == 10);
  EXPECT(pread(descriptor, bytes, sizeof bytes, 0) == 6 && memcmp(bytes, "456789", 6) == 0);
  EXPECT_OK(scb_reader_read(reader, never, bytes, sizeof bytes, &got, &error));
  EXPECT(got == 0);
  scb_reader_seek(reader, 9);
  EXPECT_OK(scb_reader_read(reader, never, bytes, sizeof bytes, &got, &error));
  EXPECT(got == 1 && bytes[0] == '9');
  scb_reader_seek(reader, 1000);
  EXPECT_OK(scb_reader_read(reader, never, bytes, sizeof bytes, &got, &error));
  EXPECT(got == 0);
  scb_reader_free(reader);
  close(descriptor);
}

static void unfinished_object_leaves_nothing(void) {
  scb_writer *writer = NULL;
  void *buffer;
  size_t capacity;
  int before = files_below_store();
  EXPECT_OK(scb_writer_open(store, never, "unfinished", 0, SCB_LENGTH_UNKNOWN, &writer, &error));
  if (writer == NULL) return;
  EXPECT_OK(scb_writer_acquire(writer, never, &buffer, &capacity, &error));
  memset(buffer, 'x', capacity);
  EXPECT_OK(scb_writer_commit(writer, never, capacity, &error));
  scb_writer_free(writer);
  EXPECT(files_below_store() == before);
}

static void exclusive_create_meets_the_object_that_is_there(void) {
  scb_writer *writer = NULL;
  int descriptor = file_with("second");
  scb_error *refusal = NULL;
  int32_t result;
  if ((scb_store_capabilities(store) & SCB_CAN_CREATE_EXCLUSIVELY) == 0) return;
  put_text("exclusive", "first");
  EXPECT_CODE(SCB_EALREADY_EXISTS,
              scb_store_put_file(store, never, "exclusive", descriptor, 0, 6, SCB_CREATE_EXCLUSIVE, NULL, &error));
  /* A writer may say so when it is opened or when it finishes. */
  result = scb_writer_open(store, never, "exclusive", SCB_CREATE_EXCLUSIVE, 0, &writer, &refusal);
  if (result == SCB_OK) result = scb_writer_finish(writer, never, NULL, &refusal);
  expect_code(__FILE__, __LINE__, SCB_EALREADY_EXISTS, result, refusal);
  scb_writer_free(writer);
  EXPECT(strcmp(text_of("exclusive"), "first") == 0);
  close(descriptor);
}

static void file_is_stored_from_its_descriptor(void) {
  int descriptor = file_with("0123456789");
  scb_write_info info;
  EXPECT(lseek(descriptor, 5, SEEK_SET) == 5);
  EXPECT_OK(scb_store_put_file(store, never, "from/file", descriptor, 2, 6, 0, &info, &error));
  EXPECT(info.size == 6);
  EXPECT(strcmp(text_of("from/file"), "234567") == 0);
  EXPECT(lseek(descriptor, 0, SEEK_CUR) == 5);
  EXPECT(scb_store_put_file(store, never, "from/file", -1, 0, 6, 0, NULL, NULL) != SCB_OK);
  EXPECT(strcmp(text_of("from/file"), "234567") == 0);
  close(descriptor);
}

static void writer_says_what_it_wrote(void) {
  scb_writer *writer = NULL;
  scb_write_info info;
  void *buffer;
  size_t capacity;
  EXPECT_OK(scb_writer_open(store, never, "summed", 0, 9, &writer, &error));
  if (writer == NULL) return;
  EXPECT_OK(scb_writer_acquire(writer, never, &buffer, &capacity, &error));
  memcpy(buffer, "123456789", 9);
  EXPECT_OK(scb_writer_commit(writer, never, 9, &error));
  EXPECT_OK(scb_writer_finish(writer, never, &info, &error));
  EXPECT(info.size == 9);
  EXPECT(info.has_crc32c == 1 && info.crc32c == UINT32_C(0xE3069283)); /* RFC 3720, appendix B.4 */
  EXPECT(strlen(info.version) > 0);
  scb_writer_free(writer);
}

static void wrong_length_is_an_error(void) {
  scb_writer *writer = NULL;
  scb_object_info info;
  EXPECT_OK(scb_writer_open(store, never, "short", 0, 5, &writer, &error));
  if (writer == NULL) return;
  EXPECT(scb_writer_finish(writer, never, NULL, NULL) != SCB_OK);
  scb_writer_free(writer);
  EXPECT_CODE(SCB_ENOT_FOUND, scb_store_stat(store, never, "short", &info, &error));
}

static void objects_are_copied_or_the_caller_is_told_to_stream(void) {
  scb_error *error = NULL;
  int32_t code;
  put_text("source", "bytes");
  code = scb_store_copy(store, never, "copy", store, "source", 0, NULL, &error);
  expect_code(__FILE__, __LINE__, code == SCB_EUNSUPPORTED ? SCB_EUNSUPPORTED : SCB_OK, code, error);
  if (code == SCB_OK) EXPECT(strcmp(text_of("copy"), "bytes") == 0);
}

static void removed_object_is_gone(void) {
  scb_object_info info;
  put_text("removed", "x");
  EXPECT_OK(scb_store_remove(store, never, "removed", &error));
  EXPECT_CODE(SCB_ENOT_FOUND, scb_store_stat(store, never, "removed", &info, &error));
}

/* How many entries a listing has, and how many of them are folders. */
static void count_listing(const char *below, uint32_t flags, size_t *objects, size_t *folders) {
  scb_lister *lister = NULL;
  const scb_list_entry *entries;
  size_t count, i;
  *objects = *folders = 0;
  EXPECT_OK(scb_lister_open(store, never, below, flags, &lister, &error));
  if (lister == NULL) return;
  for (;;) {
    count = 0;
    EXPECT_OK(scb_lister_next(lister, never, &entries, &count, &error));
    if (count == 0) break;
    for (i = 0; i < count; i++) {
      if (entries[i].is_folder) {
        ++*folders;
      } else {
        ++*objects;
        EXPECT(entries[i].size == 1 && strlen(entries[i].version) > 0);
        EXPECT(strncmp(entries[i].name, below, strlen(below)) == 0);
      }
    }
  }
  scb_lister_free(lister);
}

static void listing_has_every_object_once(void) {
  size_t objects, folders;
  put_text("listed/a", "1");
  put_text("listed/b", "2");
  put_text("listed/below/c", "3");
  count_listing("listed", SCB_LIST_RECURSIVE, &objects, &folders);
  EXPECT(objects == 3 && folders == 0);
  count_listing("listed", 0, &objects, &folders);
  EXPECT(objects == 2 && folders == 1);
  count_listing("listed", SCB_LIST_RECURSIVE | SCB_LIST_NO_FOLLOW, &objects, &folders);
  EXPECT(objects == 3 && folders == 0);
  count_listing("nothing", SCB_LIST_RECURSIVE, &objects, &folders);
  EXPECT(objects == 0 && folders == 0);
}

static void space_and_sweep_answer(void) {
  scb_space space;
  uint64_t files = 99, bytes = 99;
  memset(&space, 0, sizeof space);
  EXPECT_OK(scb_store_space(store, never, &space, &error));
  EXPECT(space.total > 0 && space.free <= space.total);
  EXPECT(strlen(space.type) > 0 && strlen(space.filesystem) > 0);
  EXPECT_OK(scb_store_sweep(store, never, &files, &bytes, &error));
  EXPECT(files == 0 && bytes == 0);
  EXPECT_OK(scb_store_sweep(store, never, NULL, NULL, &error));
}

/* Damocles would count its free space twice. */
static void stores_on_one_filesystem_are_warned_of(void) {
  char other_folder[400], log[400], said[1000] = "";
  scb_store *other = NULL;
  int kept = dup(STDERR_FILENO), file;
  ssize_t length = 0;
  snprintf(other_folder, sizeof other_folder, "%s/other", folder);
  snprintf(log, sizeof log, "%s/log", folder);
  file = open(log, O_RDWR | O_CREAT, 0600);
  if (mkdir(other_folder, 0755) != 0 || kept < 0 || file < 0) abort();
  dup2(file, STDERR_FILENO);
  EXPECT_OK(open_at(other_folder, "", &other, &error));
  dup2(kept, STDERR_FILENO);
  length = pread(file, said, sizeof said - 1, 0);
  EXPECT(length > 0 && strstr(said, "lie on one filesystem") != NULL);
  scb_store_free(other);
  close(kept);
  close(file);
}

/* A store in a folder asks no server. */
static void store_that_asks_no_server_has_counted_nothing(void) {
  scb_stats stats, nothing;
  memset(&nothing, 0, sizeof nothing);
  memset(&stats, 1, sizeof stats);
  put_text("a", "a");
  EXPECT_OK(scb_store_stats(store, &stats, sizeof stats, &error));
  EXPECT(memcmp(&stats, &nothing, sizeof stats) == 0);
  EXPECT_CODE(SCB_EINVALID_ARGUMENT, scb_store_stats(store, NULL, sizeof stats, &error));
}

static void stats_fill_as_much_as_the_caller_knows_of(void) {
  struct {
    scb_stats stats;
    unsigned char more[8];
  } place;
  memset(&place, 1, sizeof place);
  EXPECT_OK(scb_store_stats(store, &place.stats, offsetof(scb_stats, retries), &error));
  EXPECT(place.stats.attempts == 0);
  EXPECT(place.stats.retries != 0);
  EXPECT_OK(scb_store_stats(store, &place.stats, sizeof place, &error));
  EXPECT(place.more[0] == 0 && place.more[7] == 0);
}

static void prometheus_text_is_of_all_stores_that_are_given(void) {
  const scb_store *stores[2];
  char *text = NULL;
  stores[0] = stores[1] = store;
  EXPECT_OK(scb_prometheus_text(stores, 1, &text, &error));
  EXPECT(text != NULL && strstr(text, "scabbard_requests_total{store=\"c store\"} 0\n") != NULL);
  scb_string_free(text);
  EXPECT_OK(scb_prometheus_text(NULL, 0, &text, &error));
  EXPECT(text != NULL && strstr(text, "c store") == NULL);
  scb_string_free(text);
  stores[1] = NULL;
  EXPECT_CODE(SCB_EINVALID_ARGUMENT, scb_prometheus_text(stores, 2, &text, &error));
}

static void read_only_store_refuses_writes(void) {
  scb_store *read_only = NULL;
  scb_writer *writer = NULL;
  put_text("kept", "x");
  EXPECT_OK(open_at(store_folder, ",\"ReadOnly\":true", &read_only, &error));
  EXPECT_CODE(SCB_EREAD_ONLY, scb_writer_open(read_only, never, "new", 0, 0, &writer, &error));
  EXPECT_CODE(SCB_EREAD_ONLY, scb_store_remove(read_only, never, "kept", &error));
  scb_store_free(read_only);
  EXPECT(strcmp(text_of("kept"), "x") == 0);
}

static void readers_and_queues_outlive_the_handle_of_their_store(void) {
  scb_store *opened = NULL;
  scb_reader *reader = NULL;
  scb_read_queue *queue = NULL;
  char byte = 0;
  size_t got = 0;
  put_text("outlives", "x");
  EXPECT_OK(open_at(store_folder, "", &opened, &error));
  EXPECT_OK(scb_reader_open(opened, never, "outlives", &reader, &error));
  EXPECT_OK(scb_read_queue_new(opened, &queue, &error));
  scb_store_free(opened);
  if (reader != NULL) EXPECT_OK(scb_reader_read(reader, never, &byte, 1, &got, &error));
  EXPECT(got == 1 && byte == 'x');
  scb_read_queue_free(queue);
  scb_reader_free(reader);
}

static void ended_context_ends_the_call(void) {
  scb_cancel *cancel = scb_cancel_new();
  scb_context cancelled, late;
  scb_object_info info;
  scb_reader *reader = NULL;
  cancelled.cancel = cancel;
  cancelled.timeout_ns = 0;
  late.cancel = NULL;
  late.timeout_ns = 1;
  put_text("there", "x");
  EXPECT_OK(scb_store_stat(store, &cancelled, "there", &info, &error));
  scb_cancel_fire(cancel);
  scb_cancel_fire(cancel);
  EXPECT_CODE(SCB_ECANCELLED, scb_store_stat(store, &cancelled, "there", &info, &error));
  EXPECT_CODE(SCB_ECANCELLED, scb_reader_open(store, &cancelled, "there", &reader, &error));
  EXPECT_CODE(SCB_EDEADLINE_EXCEEDED, scb_store_stat(store, &late, "there", &info, &error));
  scb_cancel_retain(cancel);
  scb_cancel_free(cancel);
  EXPECT_CODE(SCB_ECANCELLED, scb_store_stat(store, &cancelled, "there", &info, &error));
  scb_cancel_free(cancel);
}

static scb_range_read range(const char *object, int64_t offset, void *into, size_t length) {
  scb_range_read entry;
  memset(&entry, 0, sizeof entry);
  entry.object = object;
  entry.offset = offset;
  entry.into = into;
  entry.length = length;
  return entry;
}

static void many_reads_have_a_result_each(void) {
  char bytes[4][4];
  scb_range_read entries[6];
  int i;
  put_text("ranges", "0123456789");
  entries[0] = range("ranges", 2, bytes[0], 4);
  entries[1] = range("ranges", -3, bytes[1], 4);
  entries[2] = range("missing", 0, bytes[2], 4);
  entries[3] = range("ranges", 0, NULL, 0);
  entries[4] = range("ranges", 0, bytes[3], 4);
  entries[4].if_version = "another version";
  entries[5] = range("../outside", 0, bytes[3], 4);
  EXPECT_OK(scb_store_read(store, never, entries, 6, &error));
  EXPECT(entries[0].code == SCB_OK && entries[0].got == 4 && memcmp(bytes[0], "2345", 4) == 0);
  EXPECT(entries[0].object_size == 10 && strlen(entries[0].version) > 0);
  EXPECT(entries[1].code == SCB_OK && entries[1].got == 3 && memcmp(bytes[1], "789", 3) == 0);
  EXPECT(entries[2].code == SCB_ENOT_FOUND && entries[2].error != NULL);
  EXPECT(entries[3].code == SCB_OK && entries[3].object_size == 10);
  EXPECT(entries[4].code == SCB_ECHANGED);
  EXPECT(entries[5].code == SCB_EINVALID_PATH);
  for (i = 0; i < 6; i++) {
    EXPECT((entries[i].code == SCB_OK) == (entries[i].error == NULL));
    scb_error_free(entries[i].error);
  }
}

static void queue_hands_back_each_entry_once(void) {
  enum { kEntries = 1000 };
  static scb_range_read entries[kEntries];
  static char bytes[kEntries];
  scb_range_read *done[64];
  scb_read_queue *queue = NULL;
  size_t count, i, total = 0;
  put_text("ranges", "0123456789");
  EXPECT_OK(scb_read_queue_new(store, &queue, &error));
  if (queue == NULL) return;
  for (i = 0; i < kEntries; i++) {
    entries[i] = range("ranges", (int64_t)(i % 10), &bytes[i], 1);
    entries[i].user = &bytes[i];
  }
  EXPECT_OK(scb_read_queue_submit(queue, entries, kEntries, &error));
  for (;;) {
    count = 0;
    EXPECT_OK(scb_read_queue_wait(queue, never, done, 64, &count, &error));
    if (count == 0) break;
    for (i = 0; i < count; i++) {
      EXPECT(done[i]->code == SCB_OK && done[i]->got == 1);
      EXPECT(done[i]->user == done[i]->into);
      EXPECT(*(char *)done[i]->into == '0' + (char)done[i]->offset);
      done[i]->user = NULL;
    }
    total += count;
  }
  EXPECT(total == kEntries);

  /* What was given up is not handed back, and the queue goes on working. */
  EXPECT_OK(scb_read_queue_submit(queue, entries, kEntries, &error));
  scb_read_queue_cancel(queue);
  for (i = 0; i < kEntries; i++) scb_error_free(entries[i].error);
  count = 99;
  EXPECT_OK(scb_read_queue_wait(queue, never, done, 64, &count, &error));
  EXPECT(count == 0);
  scb_read_queue_free(queue);
}

enum { RACE_ROUNDS = 300, RACE_ENTRIES = 20 };

static void *submit_and_wait(void *shared) {
  scb_read_queue *queue = (scb_read_queue *)shared;
  const scb_context brief = {NULL, 1000000}; /* 1 ms: what a cancel took away never comes back */
  int round;
  for (round = 0; round < RACE_ROUNDS; round++) {
    char bytes[RACE_ENTRIES];
    scb_range_read entries[RACE_ENTRIES];
    scb_range_read *done[RACE_ENTRIES];
    size_t i, count = 0;
    memset(entries, 0, sizeof entries);
    for (i = 0; i < RACE_ENTRIES; i++) {
      entries[i].object = "object";
      entries[i].into = &bytes[i];
      entries[i].length = 1;
    }
    scb_read_queue_submit(queue, entries, RACE_ENTRIES, NULL);
    /* What comes may be the other threads' and is not looked at. */
    while (scb_read_queue_wait(queue, &brief, done, RACE_ENTRIES, &count, NULL) == SCB_OK && count > 0) {
    }
    /* From here on nobody may touch ours. */
    scb_read_queue_cancel(queue);
  }
  return NULL;
}

static void queue_may_be_cancelled_while_others_submit_and_wait(void) {
  scb_read_queue *queue = NULL;
  pthread_t threads[3];
  size_t i;
  put_text("object", "text");
  EXPECT_OK(scb_read_queue_new(store, &queue, &error));
  for (i = 0; i < 3; i++) EXPECT(pthread_create(&threads[i], NULL, submit_and_wait, queue) == 0);
  for (i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  scb_read_queue_free(queue);
}

static void entries_of_a_closed_store_say_so(void) {
  scb_range_read entry;
  scb_store *closed = NULL;
  memset(&entry, 0, sizeof entry);
  entry.object = "object";
  EXPECT_OK(open_at(store_folder, "", &closed, &error));
  scb_shutdown();
  EXPECT_CODE(SCB_ECLOSED, scb_store_read(closed, never, &entry, 1, &error));
  EXPECT(entry.code == SCB_ECLOSED);
  scb_error_free(entry.error);
  scb_store_free(closed);
}

static void resolves_to(scb_locator *locator, const char *path, const char *store_name, const char *name,
                        int32_t local) {
  scb_store *resolved = NULL;
  char *object = NULL;
  int32_t is_local = -1;
  EXPECT_OK(scb_locator_resolve(locator, never, path, &resolved, &object, &is_local, &error));
  EXPECT(resolved != NULL && strcmp(scb_store_name(resolved), store_name) == 0);
  EXPECT(object != NULL && strcmp(object, name) == 0);
  EXPECT(is_local == local);
  scb_store_free(resolved);
  scb_string_free(object);
}

static void path_is_resolved_to_store_and_object(void) {
  scb_locator *locator = NULL;
  scb_store *resolved = NULL;
  char *object = NULL;
  char path[400], file[400];
  FILE *config;
  snprintf(file, sizeof file, "%s/sectorstore.json", store_folder);
  config = fopen(file, "w");
  if (config == NULL) abort();
  fputs("{\"ID\":\"6f\",\"Name\":\"resolved\",\"PluginName\":\"scabbard\",\"Meta\":{}}", config);
  fclose(config);
  EXPECT_OK(scb_locator_new(NULL, &locator, &error));
  snprintf(path, sizeof path, "%s/sealed/s-t01000-7", store_folder);
  resolves_to(locator, path, "resolved", "sealed/s-t01000-7", 0);
  resolves_to(locator, store_folder, "resolved", "", 0);
  snprintf(path, sizeof path, "%s/in-no-store", folder);
  resolves_to(locator, path, folder, "in-no-store", 1);
  EXPECT_CODE(SCB_EINVALID_PATH, scb_locator_resolve(locator, never, "", &resolved, &object, NULL, &error));
  EXPECT_CODE(SCB_EINVALID_ARGUMENT, scb_locator_resolve(NULL, never, path, &resolved, &object, NULL, &error));
  scb_locator_free(locator);
  scb_locator_free(NULL);
  EXPECT_CODE(SCB_ENOT_FOUND, scb_locator_new("/nowhere/scabbard.toml", &locator, &error));
  unlink(file);
}

/* Last: closes every store. */
static void shutdown_closes_every_store(void) {
  scb_object_info info;
  scb_store *again = NULL;
  scb_shutdown();
  EXPECT_CODE(SCB_ECLOSED, scb_store_stat(store, never, "there", &info, &error));
  EXPECT_OK(open_at(store_folder, "", &again, &error));
  if (again != NULL) EXPECT_OK(scb_store_stat(again, never, "there", &info, &error));
  scb_store_free(again);
  scb_shutdown();
  scb_shutdown();
}

/* ------------------------------------------------------------------ */

#define RUN(test) run(#test, test)
static void run(const char *name, void (*test)(void)) {
  scb_error *error = NULL;
  failures = 0;
  if (open_at(store_folder, "", &store, &error) != SCB_OK) {
    printf("%s: cannot open the store: %s\n", name, scb_error_message(error));
    scb_error_free(error);
    failures = 1;
  } else {
    test();
    scb_store_free(store);
    store = NULL;
  }
  printf("%s %s\n", failures == 0 ? "ok    " : "FAILED", name);
  if (failures == 0)
    passed++;
  else
    failed++;
}

int main(void) {
  char command[400];
  const char *parent = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/scabbard-capi-XXXXXX", parent != NULL ? parent : "/tmp");
  if (mkdtemp(folder) == NULL) {
    perror(folder);
    return 2;
  }
  snprintf(store_folder, sizeof store_folder, "%s/store", folder);
  if (mkdir(store_folder, 0755) != 0) {
    perror(store_folder);
    return 2;
  }

  RUN(library_says_what_it_is);
  RUN(every_code_has_a_name_of_its_own);
  RUN(freeing_nothing_is_allowed);
  RUN(wrong_configurations_are_refused);
  RUN(host_only_keys_are_accepted);
  RUN(store_says_what_it_was_opened_with);
  RUN(missing_object_is_not_found);
  RUN(error_says_what_failed);
  RUN(error_is_reset_by_success);
  RUN(hostile_names_are_refused);
  RUN(written_object_is_read_back);
  RUN(replacing_an_object_changes_its_version);
  RUN(reader_reads_seeks_and_copies);
  RUN(unfinished_object_leaves_nothing);
  RUN(exclusive_create_meets_the_object_that_is_there);
  RUN(file_is_stored_from_its_descriptor);
  RUN(writer_says_what_it_wrote);
  RUN(wrong_length_is_an_error);
  RUN(objects_are_copied_or_the_caller_is_told_to_stream);
  RUN(removed_object_is_gone);
  RUN(listing_has_every_object_once);
  RUN(space_and_sweep_answer);
  RUN(stores_on_one_filesystem_are_warned_of);
  RUN(store_that_asks_no_server_has_counted_nothing);
  RUN(stats_fill_as_much_as_the_caller_knows_of);
  RUN(prometheus_text_is_of_all_stores_that_are_given);
  RUN(read_only_store_refuses_writes);
  RUN(readers_and_queues_outlive_the_handle_of_their_store);
  RUN(ended_context_ends_the_call);
  RUN(many_reads_have_a_result_each);
  RUN(queue_hands_back_each_entry_once);
  RUN(queue_may_be_cancelled_while_others_submit_and_wait);
  RUN(entries_of_a_closed_store_say_so);
  RUN(path_is_resolved_to_store_and_object);
  RUN(shutdown_closes_every_store);

  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  if (system(command) != 0) failed++;
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
