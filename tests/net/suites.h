/* The suites of the net layer, one per file, and what they share. */
#ifndef GR_TESTS_NET_SUITES_H
#define GR_TESTS_NET_SUITES_H

#include "net/config.h"
#include "support/test.h"

extern const gr_test config_tests[], recipe_tests[], yaml_tests[], network_tests[], columns_tests[],
    preprocessing_tests[], row_order_tests[], lbfgs_tests[], schedule_tests[];

/* The default preset; a test that cannot get it ends. */
gr_config default_config(void);

/* Sets a key that must exist to a value that must be right. */
void must_set(gr_config *config, const char *key, const char *value);

/* The value of row `i` of the key table as text in one of 8 buffers. */
const char *value_of(const gr_config *config, size_t i);

/* As value_of, by name. */
const char *value_named(const gr_config *config, const char *name);

/* True where every key of both has the same value. */
int same_values(const gr_config *a, const gr_config *b);

/* Another valid value of row `i`, different from what `config` has. */
const char *other_value(const gr_config *config, size_t i);

#endif
