/* What the fuzz targets share. A target is one file that defines LLVMFuzzerTestOneInput: it gives
 * the bytes to one reader of foreign data and may assert (abort) what must hold whatever they are.
 * Linked with driver.c it replays its corpus in `make check`; fuzz.sh links it with libFuzzer. */
#ifndef GR_TESTS_FUZZ_H
#define GR_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes as a file: its name is valid until the next call. The file is made once and
 * overwritten. `slot` 0..3 for targets that need several at a time. */
const char *gr_fuzz_file(int slot, const uint8_t *data, size_t size);

/* Stops the program with the words: something that must hold did not. */
#define GR_FUZZ_REQUIRE(condition)                                    \
  do {                                                                \
    if (!(condition)) gr_fuzz_broken(#condition, __FILE__, __LINE__); \
  } while (0)
_Noreturn void gr_fuzz_broken(const char *condition, const char *file, int line);

#endif
