/* What the test of the order of a step sees of matrices: cells, and who used each last. */
#ifndef GR_TESTS_EXEC_CELLS_H
#define GR_TESTS_EXEC_CELLS_H

#include "support/numbers.h"

/* Who used a cell last, and before how many meetings. */
typedef struct cell {
  int writer, reader; /* -1: nobody; -2: several */
  unsigned written, read;
  unsigned step; /* in which it was written, from 1; 0: before all */
} cell;

/* [rows][columns] cells. */
typedef struct matrix {
  size_t columns;
  cell *cells;
} matrix;

/* What an operation of one rank touches: cells [row, end) x [column, last). */
typedef struct block {
  size_t row, end, column, last;
} block;

static inline matrix make_matrix(size_t rows, size_t columns) {
  matrix m = {.columns = columns, .cells = gr_test_array(rows * columns, sizeof(cell))};
  for (size_t i = 0; i < rows * columns; i++) m.cells[i].writer = m.cells[i].reader = -1;
  return m;
}

static inline block all_columns(const matrix *m, uint64_t row, uint64_t end) {
  return (block){row, end, 0, m->columns};
}

#endif
