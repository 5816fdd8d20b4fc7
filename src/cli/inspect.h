/* Printing what is in a file: for `inspect`, and for the commands that have just written one. */
#ifndef GR_CLI_INSPECT_H
#define GR_CLI_INSPECT_H

#include <gradus/status.h>

gradus_status gr_inspect_print(const char *path, int json, gradus_error *err);

#endif
