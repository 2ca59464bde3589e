/*
 * Stores a file as an object, durably, and reads its end back.
 *
 *   keep STORE FILE OBJECT      STORE is a folder
 *
 * cc -std=c99 keep.c $(pkg-config --cflags --libs scabbard) -o keep
 */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <inttypes.h>
#include <scabbard/scabbard.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Says what failed, and that the program shall end with status 1. */
static int failed(scb_error *error) {
  fprintf(stderr, "keep: %s%s\n", scb_error_message(error), scb_error_retryable(error) ? " (try again later)" : "");
  scb_error_free(error);
  return 1;
}

/* An hour for each call; a cancel token would go beside it. */
static const scb_context patient = {.cancel = NULL, .timeout_ns = INT64_C(3600) * 1000000000};

static int keep(scb_store *store, int file, uint64_t length, const char *object) {
  scb_error *error;
  scb_write_info written;
  if (scb_store_put_file(store, &patient, object, file, 0, length, 0, &written, &error)) return failed(error);
  printf("%s: %" PRIu64 " bytes, version %s\n", object, written.size, written.version);

  /* The last 16 bytes; this very version, should somebody have replaced it already. */
  unsigned char tail[16];
  scb_range_read range = {.object = object,
                          .offset = -(int64_t)sizeof tail,
                          .into = tail,
                          .length = sizeof tail,
                          .if_version = written.version};
  if (scb_store_read(store, &patient, &range, 1, &error)) {
    scb_error_free(range.error);
    return failed(error);
  }
  if (range.code) return failed(range.error);
  printf("ends with:");
  for (size_t i = 0; i < range.got; i++) printf(" %02x", tail[i]);
  printf("\n");
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: keep STORE FILE OBJECT\n");
    return 2;
  }
  /* A path with a quote or a backslash in it would have to be escaped. */
  char config[4200];
  int length = snprintf(config, sizeof config, "{\"Path\": \"%s\"}", argv[1]);
  if (length < 0 || (size_t)length >= sizeof config) {
    fprintf(stderr, "keep: the path is too long\n");
    return 2;
  }

  scb_error *error;
  scb_store *store;
  if (scb_store_open(config, &store, &error)) return failed(error);
  int status = 1;
  int file = open(argv[2], O_RDONLY);
  struct stat about;
  if (file < 0 || fstat(file, &about) != 0) {
    perror(argv[2]);
  } else {
    status = keep(store, file, (uint64_t)about.st_size, argv[3]);
  }
  if (file >= 0) close(file);
  scb_store_free(store);
  return status;
}
