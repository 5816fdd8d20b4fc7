/* Configuration files, and the numbers, durations and sizes in them. What is accepted must come
 * back from its own canonical form as the same canonical form. The first byte chooses. */
#include <config.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fuzz/fuzz.h"
#include "net/config.h"

static void check_message(gradus_status status, const gradus_error *err) {
  GR_FUZZ_REQUIRE(status < 0 && status != GRADUS_ERR_INTERNAL && err->status == status);
  GR_FUZZ_REQUIRE(err->message[0] && !strchr(err->message, '\n'));
}

static void check_round_trip(const gr_config *config) {
  gradus_error err = {0};
  gr_text first = {0}, second = {0};
  gr_config again;
  gr_config_write(config, GR_PART_RECIPE, &first);
  GR_FUZZ_REQUIRE(!first.failed && gr_config_init(&again, &err) == GRADUS_OK);
  GR_FUZZ_REQUIRE(gr_config_parse(&again, first.data, first.length, "written", &err) == GRADUS_OK);
  gr_config_write(&again, GR_PART_RECIPE, &second);
  GR_FUZZ_REQUIRE(first.length == second.length &&
                  memcmp(first.data, second.data, first.length) == 0);
  gr_text_free(&first);
  gr_text_free(&second);
  gr_config_free(&again);
}

static void try_yaml(const char *text, size_t n) {
  gradus_error err = {0};
  gr_config config;
  GR_FUZZ_REQUIRE(gr_config_init(&config, &err) == GRADUS_OK);
  gradus_status status = gr_config_parse(&config, text, n, "fuzz.yaml", &err);
  if (status == GRADUS_OK) {
    check_round_trip(&config);
    status = gr_config_validate(&config, &err);
  }
  if (status != GRADUS_OK) check_message(status, &err);
  gr_config_free(&config);
}

/* "key=value" through gr_config_set. */
static void try_setting(const char *text) {
  gradus_error err = {0};
  gr_config config;
  char key[256];
  const char *equals = strchr(text, '=');
  size_t n = equals ? (size_t)(equals - text) : strlen(text);
  if (n >= sizeof key) return;
  memcpy(key, text, n);
  key[n] = '\0';
  GR_FUZZ_REQUIRE(gr_config_init(&config, &err) == GRADUS_OK);
  gradus_status status = gr_config_set(&config, key, equals ? equals + 1 : "", "--set", &err);
  if (status == GRADUS_OK)
    check_round_trip(&config);
  else
    check_message(status, &err);
  gr_config_free(&config);
}

static void try_numbers(const char *text, size_t n) {
  double real, back;
  int64_t whole;
  uint64_t count, bytes;
  char out[GR_DOUBLE_TEXT];
  if (gr_parse_double(text, n, &real) && !isnan(real)) {
    size_t length = gr_format_double(out, real);
    GR_FUZZ_REQUIRE(gr_parse_double(out, length, &back) && back == real);
  }
  if (gr_parse_i64(text, n, &whole) && whole >= 0)
    GR_FUZZ_REQUIRE(text[0] == '+' || text[0] == '-' ||
                    (gr_parse_u64(text, n, &count) && count == (uint64_t)whole));
  if (gr_parse_duration(text, &real)) GR_FUZZ_REQUIRE(real >= 0 && isfinite(real));
  (void)gr_parse_size(text, &bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  char *text = malloc(size);
  GR_FUZZ_REQUIRE(text);
  memcpy(text, data + 1, size - 1);
  text[size - 1] = '\0';
  if (data[0] % 4 == 1)
    try_setting(text);
  else if (data[0] % 4 == 2)
    try_numbers(text, strlen(text));
  else
    try_yaml(text, size - 1);
  free(text);
  return 0;
}
