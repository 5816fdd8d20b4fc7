/* GR_LOSS(ID, name). Formulas in kernel/loss.c. cross-entropy is multiclass with softmax, binary
 * with sigmoid. */
GR_LOSS(QUADRATIC, "quadratic")
GR_LOSS(CROSS_ENTROPY, "cross-entropy")
