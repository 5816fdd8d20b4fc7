/* Decimal numbers of text files, fast. */
#ifndef GR_INTEROP_NUMBER_H
#define GR_INTEROP_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* As gr_parse_double (same texts, same bits), several times faster on the short plain decimals that
 * tables are made of. */
bool gr_parse_number(const char *text, size_t length, double *value);

#endif
