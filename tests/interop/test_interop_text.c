/* Numbers, dictionaries and cells. */
#include <config.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/philox.h"
#include "base/text.h"
#include "interop/delimited.h"
#include "base/dictionary.h"
#include "interop/number.h"
#include "test_interop.h"

/* A random decimal: up to 20 digits with a point somewhere, sometimes a sign or an exponent. */
static size_t random_decimal(uint64_t i, char *out, size_t size) {
  uint32_t w[4];
  size_t n = 0;
  gr_random_words(gr_test_seed(), GR_STREAM_TEST, 10, i, w);
  unsigned digits = 1 + w[0] % (i % 3 == 0 ? 20 : 9), point = (w[0] >> 8) % (digits + 2);
  if (w[1] % 3 == 0) out[n++] = w[1] % 2 ? '-' : '+';
  for (unsigned k = 0; k < digits; k++) {
    if (k == point) out[n++] = '.';
    out[n++] = (char)('0' + (k < 10 ? (w[2] >> 3 * k) % 8 + k % 3 : (w[3] >> (k - 10)) % 10));
  }
  if (point == digits) out[n++] = '.';
  int exponent = (int)(w[3] % 61) - 30;
  if (w[1] % 5 == 0)
    n += (size_t)snprintf(out + n, size - n, "%s%d", w[1] % 2 ? "e" : "E", exponent);
  out[n] = '\0';
  return n;
}

static void fast_numbers_are_those_of_strtod_bit_for_bit(void) {
  for (uint64_t i = 0; i < 2000000; i++) {
    char text[64];
    size_t n = random_decimal(i, text, sizeof text);
    double got = -1, wanted = strtod(text, NULL);
    if (!gr_parse_number(text, n, &got) || memcmp(&got, &wanted, sizeof got) != 0) {
      printf("\n  '%s'", text);
      CU_FAIL_FATAL("differs from strtod");
    }
  }
}

/* Doubles at full length, and the decimals that lie exactly between two floats of 24 bits times a
 * power of two, with more digits behind: those that decide which way to round. */
static void long_and_halfway_decimals_are_rounded_right(void) {
  for (uint64_t i = 0; i < 300000; i++) {
    char text[96];
    uint32_t w[4];
    gr_random_words(gr_test_seed(), GR_STREAM_TEST, 12, i, w);
    uint64_t odd = ((uint64_t)w[0] << 21 | w[1] >> 11) << 1 | 1; /* 54 bits: a tie of doubles */
    int n = i % 2 ? snprintf(text, sizeof text, "%.*e", 10 + (int)(w[2] % 9),
                             (double)odd / (double)(1 + w[3] % 1000000))
                  : snprintf(text, sizeof text, "%llu%s%u", (unsigned long long)odd | 1ull << 53,
                             w[2] % 3 ? "." : "000.", w[2] % 4 ? w[3] % 3 : 0);
    double got = -1, wanted = strtod(text, NULL);
    if (!gr_parse_number(text, (size_t)n, &got) || memcmp(&got, &wanted, sizeof got) != 0) {
      printf("\n  '%s'", text);
      CU_FAIL_FATAL("differs from strtod");
    }
  }
}

static void numbers_at_the_edges_are_read_right(void) {
  static const char *const good[] = {"0",
                                     "-0",
                                     "-0.0",
                                     "1.",
                                     ".5",
                                     "00012.50",
                                     "9007199254740993",
                                     "999999999999999",
                                     "1e22",
                                     "1e23",
                                     "1e-22",
                                     "1e-23",
                                     "123456789012345e22",
                                     "4.9e-324",
                                     "1e0308",
                                     "5e-0001",
                                     "0.1e1",
                                     "0e999",
                                     "0.000000000000000000000000000000000001",
                                     "2.2250738585072011e-308"};
  static const char *const bad[] = {"",     ".",  "-",  "e5",  "1e",    "1e+",   "1e5.0", "1,5",
                                    "0x10", " 1", "1 ", "--1", "1e999", "1_000", "one",   "."};
  double got;
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    double wanted = strtod(good[i], NULL);
    CU_ASSERT(gr_parse_number(good[i], strlen(good[i]), &got));
    CU_ASSERT(memcmp(&got, &wanted, sizeof got) == 0);
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    CU_ASSERT(!gr_parse_number(bad[i], strlen(bad[i]), &got));
}

static void shortest_floats_read_back_the_same(void) {
  char text[GR_DOUBLE_TEXT];
  for (uint64_t i = 0; i < 100000; i++) {
    uint32_t w[4];
    float value;
    gr_random_words(gr_test_seed(), GR_STREAM_TEST, 11, i, w);
    if ((w[0] & 0x7f800000u) == 0x7f800000u) continue;
    memcpy(&value, &w[0], sizeof value);
    text[gr_format_float(text, value)] = '\0';
    float back = strtof(text, NULL);
    CU_ASSERT_FATAL(memcmp(&back, &value, sizeof value) == 0);
  }
  static const struct {
    float value;
    const char *text;
  } known[] = {
      {0.1f, "0.1"}, {16777216.0f, "16777216"}, {1.0f, "1"}, {1e-45f, "1e-45"}, {0.3f, "0.3"}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    gr_format_float(text, known[i].value);
    CU_ASSERT_STRING_EQUAL(text, known[i].text);
  }
}

static void a_dictionary_numbers_and_sorts_texts(void) {
  gr_dictionary d = {0};
  char word[16];
  CU_ASSERT_EQUAL(gr_dictionary_find(&d, "x", 1), GR_NO_ENTRY);
  for (unsigned round = 0; round < 2; round++) {
    for (unsigned i = 0; i < 1000; i++) {
      int n = snprintf(word, sizeof word, "w%u", (i * 7) % 1000);
      CU_ASSERT_EQUAL(gr_dictionary_add(&d, word, (size_t)n), i);
    }
  }
  CU_ASSERT_EQUAL(d.n, 1000);
  CU_ASSERT(gr_dictionary_sort(&d));
  for (unsigned i = 0; i < 1000; i++) {
    CU_ASSERT(d.count[i] == 2 && (i == 0 || strcmp(d.texts[i - 1], d.texts[i]) < 0));
    CU_ASSERT_EQUAL(gr_dictionary_find(&d, d.texts[i], strlen(d.texts[i])), i);
  }
  CU_ASSERT_EQUAL(gr_dictionary_find(&d, "w1000", 5), GR_NO_ENTRY);
  CU_ASSERT_EQUAL(gr_dictionary_find(&d, "w10", 2), gr_dictionary_find(&d, "w1", 2));
  gr_dictionary_free(&d);
}

static gr_input *stream_of(const char *name, const char *text) {
  gradus_error err = {0};
  gr_input *stream = NULL;
  GR_CHECK_OK(gr_input_open(write_text(name, text), &stream, &err), &err);
  return stream;
}

/* All cells of a text as "[line:column text]", records ended by "/". */
static const char *cells_of(const char *text, char delimiter) {
  static char out[4096];
  size_t n = 0;
  gradus_error err = {0};
  gr_delimited reader = {0};
  gr_input *stream = stream_of("t.csv", text);
  GR_CHECK_OK(gr_delimited_start(&reader, stream, delimiter, &err), &err);
  for (bool more = true; more;) {
    if (gr_delimited_next(&reader, &more, &err) != GRADUS_OK) {
      n += (size_t)snprintf(out + n, sizeof out - n, "%s", strstr(err.message, "t.csv"));
      break;
    }
    for (uint32_t i = 0; more && i < reader.record.n; i++) {
      const gr_cell *cell = &reader.record.cells[i];
      uint64_t line, column;
      gr_record_place(&reader.record, cell->at, &line, &column);
      n += (size_t)snprintf(out + n, sizeof out - n, "[%d:%d %.*s]", (int)line, (int)column,
                            (int)cell->length, cell->text);
    }
    if (more) n += (size_t)snprintf(out + n, sizeof out - n, "/");
  }
  out[n] = '\0';
  gr_delimited_end(&reader);
  gr_input_close(stream);
  return out;
}

static void cells_follow_rfc_4180(void) {
  static const struct {
    const char *text, *cells;
  } known[] = {
      {"", ""},
      {"a", "[1:1 a]/"},
      {"a,b\nc,d\n", "[1:1 a][1:3 b]/[2:1 c][2:3 d]/"},
      {"a,b\r\nc,d\r\n", "[1:1 a][1:3 b]/[2:1 c][2:3 d]/"},
      {"a,b\rc,d", "[1:1 a][1:3 b]/[2:1 c][2:3 d]/"},
      {"a,\n,b", "[1:1 a][1:3 ]/[2:1 ][2:2 b]/"},
      {"a,", "[1:1 a][1:3 ]/"},
      {"\n\n a , b \n  \n\r\nc\n\n", "[3:2 a][3:6 b]/[6:1 c]/"},
      {"\"a,b\",\"c\"\"d\",\"\"\n", "[1:1 a,b][1:7 c\"d][1:14 ]/"},
      {"\"\"\"\"\"\",\"x\"\"\"", "[1:1 \"\"][1:8 x\"]/"},
      {"\"two\nlines\",x\ny", "[1:1 two\nlines][2:8 x]/[3:1 y]/"},
      {"\"two\r\nlines\",x\r\ny", "[1:1 two\r\nlines][2:8 x]/[3:1 y]/"},
      {"x, \" kept \" ,y", "[1:1 x][1:4  kept ][1:14 y]/"},
      {"5\" pipe,b", "[1:1 5\" pipe][1:9 b]/"},
      {"a,\"b\nc", "t.csv:1:3: this quote is never closed (at '\"b')"},
      {"a\n\"b\"c,d",
       "[1:1 a]/t.csv:2:4: text after a closing quote; expected a delimiter or the "
       "line's end (a quote inside quotes is written twice) (at 'c,d')"},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    const char *got = cells_of(known[i].text, ',');
    if (strcmp(got, known[i].cells) != 0) printf("\n  %s\n  %s", got, known[i].cells);
    CU_ASSERT_STRING_EQUAL(got, known[i].cells);
  }
  CU_ASSERT_STRING_EQUAL(cells_of("a\t b \t\n\tc\t", '\t'),
                         "[1:1 a][1:4 b][1:7 ]/[2:1 ][2:2 c][2:4 ]/");
}

static char sniffed(const char *path, const char *text) {
  gradus_error err = {0};
  gr_delimited reader = {0};
  gr_input *stream = stream_of(path, text);
  char delimiter = 0;
  GR_CHECK_OK(gr_delimited_sniff(&reader, stream, &delimiter, &err), &err);
  gr_delimited_end(&reader);
  gr_input_close(stream);
  return delimiter;
}

static void the_delimiter_is_found(void) {
  CU_ASSERT_EQUAL(sniffed("t.csv", "a,b\n1,2\n"), ',');
  CU_ASSERT_EQUAL(sniffed("t.csv", "a;b\n1;2\n"), ';');
  CU_ASSERT_EQUAL(sniffed("t.txt", "a\tb\n1\t2\n"), '\t');
  CU_ASSERT_EQUAL(sniffed("t.tsv", "a,b\n1,2\n"), '\t');
  CU_ASSERT_EQUAL(sniffed("t.csv", "a;b;c\n1,5;2,5;3,5\n"), ';');
  CU_ASSERT_EQUAL(sniffed("t.csv", "\"a;b;c\",d\n\"x;y;z\",e\n"), ',');
  CU_ASSERT_EQUAL(sniffed("t.csv", "a,b,c\n1,2,3\n1,2\n"), ',');
  CU_ASSERT_EQUAL(sniffed("t.csv", "alone\n1\n"), ',');
  CU_ASSERT_EQUAL(sniffed("t.csv", ""), ',');
}

const gr_test text_tests[] = {GR_TEST(fast_numbers_are_those_of_strtod_bit_for_bit),
                              GR_TEST(long_and_halfway_decimals_are_rounded_right),
                              GR_TEST(numbers_at_the_edges_are_read_right),
                              GR_TEST(shortest_floats_read_back_the_same),
                              GR_TEST(a_dictionary_numbers_and_sorts_texts),
                              GR_TEST(cells_follow_rfc_4180),
                              GR_TEST(the_delimiter_is_found),
                              GR_TEST_END};
