/* Dimensions that lie dense on both sides are taken together first, so that most boxes become rows
 * of bytes. What is turned (dense along another dimension on either side) goes by squares that keep
 * both sides in the cache. */
#include <config.h>

#include "store/box.h"

#include <stdbool.h>
#include <string.h>

enum { SIDE = 32 };

/* Without dimensions of one element, and with neighbours that are dense in each other as one. */
static gr_box squeeze(const gr_box *box) {
  gr_box out = {0};
  for (unsigned i = 0; i < box->rank; i++) {
    unsigned last = out.rank - 1; /* not looked at while rank is 0 */
    if (box->extent[i] == 1) continue;
    if (out.rank > 0 && out.from[last] == box->extent[i] * box->from[i] &&
        out.to[last] == box->extent[i] * box->to[i]) {
      out.extent[last] *= box->extent[i];
    } else {
      last = out.rank++;
      out.extent[last] = box->extent[i];
    }
    out.from[last] = box->from[i];
    out.to[last] = box->to[i];
  }
  if (out.rank > 0) return out;
  return (gr_box){.rank = 1, .extent = {1}, .from = {1}, .to = {1}};
}

/* A plane of n[0] x n[1] elements. */
struct plane {
  uint64_t n[2], from[2], to[2];
};

static inline __attribute__((always_inline)) void copy_square(const struct plane *p,
                                                              const char *from, char *to,
                                                              uint64_t n0, uint64_t n1,
                                                              size_t size) {
  for (uint64_t i = 0; i < n0; i++)
    for (uint64_t j = 0; j < n1; j++)
      memcpy(to + (i * p->to[0] + j * p->to[1]) * size,
             from + (i * p->from[0] + j * p->from[1]) * size, size);
}

static inline __attribute__((always_inline)) void copy_squares(const struct plane *p,
                                                               const char *from, char *to,
                                                               size_t size) {
  for (uint64_t i = 0; i < p->n[0]; i += SIDE)
    for (uint64_t j = 0; j < p->n[1]; j += SIDE) {
      uint64_t n0 = p->n[0] - i < SIDE ? p->n[0] - i : SIDE;
      uint64_t n1 = p->n[1] - j < SIDE ? p->n[1] - j : SIDE;
      copy_square(p, from + (i * p->from[0] + j * p->from[1]) * size,
                  to + (i * p->to[0] + j * p->to[1]) * size, n0, n1, size);
    }
}

static void copy_plane(const struct plane *p, const char *from, char *to, size_t size) {
  if (p->from[1] == 1 && p->to[1] == 1) {
    for (uint64_t i = 0; i < p->n[0]; i++)
      memcpy(to + i * p->to[0] * size, from + i * p->from[0] * size, p->n[1] * size);
    return;
  }
  switch (size) { /* constants, so that each becomes one load and one store */
    case 1:
      copy_squares(p, from, to, 1);
      break;
    case 2:
      copy_squares(p, from, to, 2);
      break;
    case 4:
      copy_squares(p, from, to, 4);
      break;
    default:
      copy_squares(p, from, to, 8);
      break;
  }
}

void gr_box_copy(const gr_box *box, const void *from, void *to, size_t size) {
  for (unsigned i = 0; i < box->rank; i++)
    if (box->extent[i] == 0) return;
  const gr_box b = squeeze(box);
  const unsigned last = b.rank - 1, outer = b.rank > 2 ? b.rank - 2 : 0;
  const bool flat = b.rank == 1;
  const struct plane plane = {{flat ? 1 : b.extent[last - 1], b.extent[last]},
                              {flat ? 0 : b.from[last - 1], b.from[last]},
                              {flat ? 0 : b.to[last - 1], b.to[last]}};
  uint64_t at[GR_BOX_RANK] = {0}, at_from = 0, at_to = 0;
  for (;;) {
    copy_plane(&plane, (const char *)from + at_from * size, (char *)to + at_to * size, size);
    unsigned i = outer; /* the next plane: count with the outer dimensions as digits */
    while (i > 0 && at[i - 1] + 1 == b.extent[i - 1]) {
      i--;
      at_from -= at[i] * b.from[i];
      at_to -= at[i] * b.to[i];
      at[i] = 0;
    }
    if (i == 0) return;
    at[i - 1]++;
    at_from += b.from[i - 1];
    at_to += b.to[i - 1];
  }
}
