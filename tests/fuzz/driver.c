/* Replays a corpus without libFuzzer: every file of a folder, and of each file all its beginnings
 * and a few seeded damages, so that `make check` sees what a cut or flipped byte does on every
 * compiler. A crash names the input that it happened on.
 *
 *   fuzz-NAME [FOLDER or FILE]...    default: tests/fuzz/corpus/NAME of the source tree */
#include <config.h>

#ifndef GR_LIBFUZZER

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

enum { MAX_SIZE = 1 << 20, MAX_PREFIXES = 2048, DAMAGES = 64, PATH = 4096 };

static char current[PATH + 64]; /* what is being tried, for the handler */
static unsigned long n_inputs, n_files;

static void on_crash(int number) {
  static const char before[] = "\ncrashed on ";
  (void)!write(STDERR_FILENO, before, sizeof before - 1);
  (void)!write(STDERR_FILENO, current, strlen(current));
  (void)!write(STDERR_FILENO, "\n", 1);
  (void)signal(number, SIG_DFL);
  (void)raise(number);
}

/* A copy of exactly `size` bytes, so that sanitizers see a read beyond them. */
static void try_input(const uint8_t *bytes, size_t size) {
  uint8_t *copy = malloc(size ? size : 1);
  GR_FUZZ_REQUIRE(copy);
  memcpy(copy, bytes, size);
  n_inputs++;
  (void)LLVMFuzzerTestOneInput(copy, size);
  free(copy);
}

/* Numerical Recipes' linear congruential generator: the same damages each time. */
static uint32_t next_random(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

static void try_variants(const char *path, uint8_t *bytes, size_t size) {
  uint32_t state = (uint32_t)size + 1;
  snprintf(current, sizeof current, "%s", path);
  try_input(bytes, size);
  for (size_t n = 0; n < size && n < MAX_PREFIXES; n++) {
    snprintf(current, sizeof current, "%s, first %zu bytes", path, n);
    try_input(bytes, n);
  }
  for (int i = 0; i < DAMAGES && size > 0; i++) {
    size_t at = next_random(&state) % size;
    uint8_t kept = bytes[at];
    bytes[at] = (uint8_t)next_random(&state);
    snprintf(current, sizeof current, "%s, byte %zu = 0x%02x", path, at, bytes[at]);
    try_input(bytes, size);
    bytes[at] = kept;
  }
}

static void try_file(const char *path) {
  uint8_t *bytes = malloc(MAX_SIZE);
  FILE *file = fopen(path, "rb");
  GR_FUZZ_REQUIRE(bytes);
  if (!file) {
    perror(path);
    exit(1);
  }
  size_t size = fread(bytes, 1, MAX_SIZE, file);
  fclose(file);
  n_files++;
  try_variants(path, bytes, size);
  free(bytes);
}

static int is_visible(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

static void try_path(const char *path) {
  struct stat info;
  struct dirent **entries;
  if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode)) {
    try_file(path);
    return;
  }
  int n = scandir(path, &entries, is_visible, alphasort);
  if (n < 0) {
    perror(path);
    exit(1);
  }
  for (int i = 0; i < n; i++) {
    char name[PATH];
    snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
    try_file(name);
    free(entries[i]);
  }
  free(entries);
}

/* fuzz-csv and .libs/lt-fuzz-csv replay corpus/csv. */
static void try_own_corpus(const char *program) {
  const char *source = getenv("GR_SOURCE"), *name = strstr(program, "fuzz-"), *later;
  char path[PATH];
  while (name && (later = strstr(name + 1, "fuzz-"))) name = later;
  snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", source ? source : ".",
           name ? name + 5 : "");
  try_path(path);
}

int main(int argc, char **argv) {
  static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
    (void)signal(signals[i], on_crash);
  for (int i = 1; i < argc; i++) try_path(argv[i]);
  if (argc == 1) try_own_corpus(argv[0]);
  printf("%lu inputs of %lu files\n%lu passed, 0 failed\n", n_inputs, n_files, n_files);
  return n_files > 0 ? 0 : 1;
}

#else
typedef int gr_driver_is_libfuzzer; /* a translation unit is never empty */
#endif
