/* Decimal numbers of text files, fast, correctly rounded and without locale. */
#ifndef GR_INTEROP_NUMBER_H
#define GR_INTEROP_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* As gr_parse_double (same texts, same bits), several times faster on the decimals that tables are
 * made of: up to 19 digits (more, where those beyond cannot change the result) and powers of ten
 * within 10^-27 .. 10^27. */
bool gr_parse_number(const char *text, size_t length, double *value);

/* The number that the bytes from `p` begin with: returns where it ends and sets *value, or returns
 * NULL where there is none or it is not one of the fast ones; gr_parse_number then knows more.
 * Never reads `end` or beyond. */
const char *gr_scan_number(const char *p, const char *end, double *value);

#endif
