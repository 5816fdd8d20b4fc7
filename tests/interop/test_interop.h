/* What the suites of the interop layer share. */
#ifndef GR_TEST_INTEROP_H
#define GR_TEST_INTEROP_H

#include <stddef.h>

#include "interop/import.h"
#include "support/test.h"

extern const gr_test text_tests[], table_tests[], idx_tests[], stream_tests[], numpy_tests[],
    libsvm_tests[], append_tests[], generate_tests[], prediction_tests[];

/* Writes a file of the scratch directory; returns its path. */
const char *write_file(const char *name, const void *bytes, size_t size);
const char *write_text(const char *name, const char *text);

/* The whole of a file; data from gr_alloc. */
typedef struct file_bytes {
  char *data;
  size_t size;
} file_bytes;
file_bytes slurp(const char *path);

/* A log sink that gathers all lines, each ended by a newline; emptied by clear_account. */
extern char account[65536];
void clear_account(void);
void keep_account(void *user, gr_level level, const char *text);

/* Options that import one training file and keep the account. */
gr_import_options import_of(const char *train);

/* Imports and asserts success, or asserts the status and a word of the message. */
void import_well(const gr_import_options *options, gr_dataset *out);
void import_badly(const gr_import_options *options, gradus_status status, const char *word);

/* The account has this text. */
#define CHECK_ACCOUNT(text) CU_ASSERT(said(text))
int said(const char *text);

#endif
