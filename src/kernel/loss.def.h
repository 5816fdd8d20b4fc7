/* GR_LOSS(ID, name, targets, output): what the targets may be, BOTH, NUMBERS or CLASSES, and which
 * activation the outputs must have: ANY, PROBABILITY (softmax, or sigmoid), EXPONENTIAL, IDENTITY.
 * Formulas in kernel/loss_terms.h. */
GR_LOSS(QUADRATIC, "quadratic", BOTH, ANY)
GR_LOSS(CROSS_ENTROPY, "cross-entropy", CLASSES, PROBABILITY)
GR_LOSS(MSE, "mse", BOTH, ANY)
GR_LOSS(MAE, "mae", BOTH, ANY)
GR_LOSS(HUBER, "huber", BOTH, ANY)
GR_LOSS(LOG_COSH, "log-cosh", BOTH, ANY)
GR_LOSS(QUANTILE, "quantile", NUMBERS, IDENTITY)
GR_LOSS(POISSON, "poisson", NUMBERS, EXPONENTIAL)
GR_LOSS(GAMMA, "gamma", NUMBERS, EXPONENTIAL)
GR_LOSS(TWEEDIE, "tweedie", NUMBERS, EXPONENTIAL)
GR_LOSS(FOCAL, "focal", CLASSES, PROBABILITY)
GR_LOSS(HINGE, "hinge", CLASSES, IDENTITY)
GR_LOSS(SQUARED_HINGE, "squared-hinge", CLASSES, IDENTITY)
