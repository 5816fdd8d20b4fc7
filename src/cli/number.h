/* Numbers of the command line. The program never calls setlocale, so the C library reads and writes
 * them with '.' wherever it runs. */
#ifndef GR_CLI_NUMBER_H
#define GR_CLI_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The whole string as a number; false where it is none or does not fit. */
bool gr_number_count(const char *text, uint64_t *value);
bool gr_number_real(const char *text, double *value); /* finite */

/* "100ms", "60s", "5min", "2h", "1d", or a bare number of seconds. */
bool gr_number_duration(const char *text, double *seconds);

/* A number of threads from 1 to 65536; "auto" is 0. */
bool gr_number_threads(const char *text, int *threads);

/* Text of a number for people and for JSON; both need GR_NUMBER_TEXT bytes and return `out`. */
#define GR_NUMBER_TEXT 32
const char *gr_number_exact(char *out, double value);   /* shortest that reads back the same */
const char *gr_number_rounded(char *out, double value); /* five digits; "-" where not finite */
const char *gr_number_short(char *out, double value);   /* 950, 12.3k, 4.56M */
const char *gr_number_clock(char *out, double seconds); /* 0:07, 12:34, 1:02:03 */

#endif
