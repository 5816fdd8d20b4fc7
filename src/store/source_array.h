/* One stored array of a source: where its bytes lie and how they become rows. Internal to the
 * source_*.c files. */
#ifndef GR_STORE_SOURCE_ARRAY_H
#define GR_STORE_SOURCE_ARRAY_H

#include "store/box.h"
#include "store/h5_array.h"
#include "store/source.h"
#include "store/source_filters.h"

typedef struct gr_stored_chunk {
  uint64_t offset; /* from the start of the file */
  uint32_t bytes;  /* stored; 0 = never written */
  uint32_t mask;   /* filters left out */
} gr_stored_chunk;

typedef struct gr_source_array {
  char *file, *path; /* as given */
  bool transpose;    /* as asked for */
  bool as_row;       /* all elements seen as one row */
  int fd;            /* that we read through; -1: none */
  uint64_t file_bytes;

  gr_source_kind kind;
  gr_dtype type;
  size_t size; /* of an element */
  bool swap;
  unsigned rank, row_dim; /* row_dim is 0, or rank - 1 where stored [columns][rows] */
  uint64_t dims[GR_BOX_RANK];
  uint64_t out_stride[GR_BOX_RANK]; /* distance in rows [rows][columns], in elements */
  uint64_t rows, columns;
  uint64_t stored_bytes;
  char filters[64], reason[128];

  uint64_t offset; /* contiguous */
  void *map;
  size_t map_bytes;
  const void *base; /* the first element, once it is mapped */

  /* chunked; a band is the chunks that share their rows */
  uint64_t chunk[GR_BOX_RANK], grid[GR_BOX_RANK], n_chunks;
  size_t chunk_bytes;
  uint64_t band_bytes; /* chunk[row_dim] rows */
  bool whole_rows;     /* a band is one chunk, which lies as its rows do */
  bool raw_edges;      /* chunks that reach over an edge are not filtered */
  gr_pipeline pipeline;
  gr_stored_chunk *table; /* [n_chunks], in the order of the grid; NULL where LIBRARY */
  unsigned char fill[8];  /* in stored byte order */

  gr_h5_file h5; /* open only while opening, and where LIBRARY */
  gr_h5_array array;
} gr_source_array;

/* What one reading thread needs; kept between calls. Zero-initialise. */
typedef struct gr_source_scratch {
  struct gr_source_scratch *next;
  gr_decoder decoder;
  uint8_t *chunk; /* one decoded chunk, or rows to be turned */
  size_t chunk_capacity;
  uint8_t *band; /* the rows of a band */
  size_t band_capacity;
  const gr_source_array *band_array; /* NULL: the band holds nothing */
  uint64_t band_index;
} gr_source_scratch;

/* Opens file and array under HDF5's lock; *out owns copies of the names. With as_row the array is
 * [1][n]. Virtual ones: open_virtual below tells, and the array stays open in HDF5. The object is
 * to be closed also after a failure. */
gradus_status gr_source_array_open(const char *file, const char *path, bool transpose, bool as_row,
                                   gr_source_array *out, gradus_error *err);
void gr_source_array_close(gr_source_array *array); /* accepts a zeroed object */

/* HDF5's part of opening is over: closes its file unless reading needs it. */
void gr_source_array_settle(gr_source_array *array);

/* True where its columns are stored as rows: one row or one column lies the same either way. */
bool gr_source_array_is_turned(const gr_source_array *array);

/* Maps the rows of an array of kind MAPPED, or makes it DIRECT where that cannot be had. */
void gr_source_array_map(gr_source_array *array);

/* Reads the table of chunks; in source_table.c. */
gradus_status gr_source_read_table(gr_source_array *array, gradus_error *err);

/* Rows [first, first + n) of the array, in native byte order; in source_read.c. */
gradus_status gr_source_array_read(const gr_source_array *array, gr_source_scratch *scratch,
                                   uint64_t first, uint64_t n, void *out, gradus_error *err);
void gr_source_scratch_free(gr_source_scratch *scratch); /* the object itself too */

/* Rows [first, first + n), n > 0, out of whole chunks; in source_chunks.c. */
gradus_status gr_source_chunks_read(const gr_source_array *array, gr_source_scratch *scratch,
                                    uint64_t first, uint64_t n, uint8_t *out, gradus_error *err);

/* The same through HDF5, under its lock. */
gradus_status gr_source_library_read(const gr_source_array *array, gr_source_scratch *scratch,
                                     uint64_t first, uint64_t n, uint8_t *out, gradus_error *err);

/* Reads exactly `bytes` bytes; messages have no file name yet. */
gradus_status gr_source_pread(const gr_source_array *array, void *out, uint64_t bytes,
                              uint64_t offset, gradus_error *err);

/* *buffer holds at least `bytes`, contents undefined. */
gradus_status gr_source_reserve(uint8_t **buffer, size_t *capacity, uint64_t bytes,
                                gradus_error *err);

/* ---- where rows come from: source_virtual.c ---- */

/* Rows [first, first + n) of the source are rows from, from + 1, ... of arrays[array]. */
typedef struct gr_source_piece {
  uint64_t first, n, from;
  size_t array;
} gr_source_piece;

typedef struct gr_source_list {
  gr_source_array **arrays; /* [n_arrays], each allocated by itself */
  size_t n_arrays;
  gr_source_piece *pieces; /* [n_pieces], ascending, without gaps */
  size_t n_pieces;
  uint64_t n_rows;
} gr_source_list;

/* Adds all rows of one part, of a virtual dataset those of its sources. */
gradus_status gr_source_list_add(gr_source_list *list, const gr_source_part *part,
                                 gradus_error *err);
void gr_source_list_free(gr_source_list *list);

#endif
