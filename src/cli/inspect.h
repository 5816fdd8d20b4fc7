/* Printing what is in a file: for `inspect`, and for the commands that have just written one. */
#ifndef GR_CLI_INSPECT_H
#define GR_CLI_INSPECT_H

#include <gradus/status.h>

gradus_status gr_inspect_print(const char *path, int json, gradus_error *err);

/* Prints the table of layers of `path` at work on rows of the data set `data`. */
gradus_status gr_inspect_layers(const char *path, const char *data, const char *split, int json,
                                gradus_error *err);

#endif
