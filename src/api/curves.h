/* Learning curves as a picture of characters. */
#ifndef GR_API_CURVES_H
#define GR_API_CURVES_H

#include "base/text.h"
#include "store/checkpoint.h"

/* Appends train_loss (.) and valid_loss (o; * where both meet) over epochs, some 64 columns and 12
 * lines, the axis logarithmic where losses are positive and span more than a factor of 10. Where
 * there are more epochs than columns a column shows the last of its epochs. Fewer than 3 epochs:
 * nothing. */
void gr_curves_put(const gr_history *history, gr_text *out);

#endif
