/* Whether the rows of a file lie in the order of their targets. */
#ifndef GR_TRAIN_SORTEDNESS_H
#define GR_TRAIN_SORTEDNESS_H

#include "base/text.h"
#include "exec/engine.h"

/* Appends a line of notes where neighbouring rows have the same label much more often, or nearer
 * targets, than in a random order; `shuffle` (gr_shuffle) decides what is to be said about it. */
void gr_note_sortedness(const gr_rows *rows, uint32_t n_classes, uint32_t n_targets, int shuffle,
                        gr_text *notes);

#endif
