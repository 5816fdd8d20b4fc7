/* One import of files given as bytes, for the targets of the importers. */
#ifndef GR_TESTS_FUZZ_IMPORT_H
#define GR_TESTS_FUZZ_IMPORT_H

#include "interop/import.h"

/* Imports, and requires what must hold of success and of failure: all rows arrive or none counts,
 * and a failure has a message of one line. */
void gr_fuzz_import(const gr_import_options *options);

#endif
