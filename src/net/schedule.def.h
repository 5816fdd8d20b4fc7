/* GR_SCHEDULE(ID, name, depends_on_total, judges, gamma, threshold)
 *
 * depends_on_total: the rate of a step follows from how many steps there are in all, so epochs
 * cannot grow on resume. judges: the validation loss of each epoch lowers the rate. Then what
 * `auto` means for schedule.gamma and schedule.threshold. Formulas and sources in net/schedule.h.
 */
GR_SCHEDULE(CONSTANT, "constant", 0, 0, 0.1, 1e-4)
GR_SCHEDULE(COSINE, "cosine", 1, 0, 0.1, 1e-4)
GR_SCHEDULE(COSINE_RESTARTS, "cosine-restarts", 0, 0, 0.1, 1e-4)
GR_SCHEDULE(STEP, "step", 0, 0, 0.1, 1e-4)
GR_SCHEDULE(MULTISTEP, "multistep", 0, 0, 0.1, 1e-4)
GR_SCHEDULE(EXPONENTIAL, "exponential", 0, 0, 0.95, 1e-4)
GR_SCHEDULE(POLYNOMIAL, "polynomial", 1, 0, 0.1, 1e-4)
GR_SCHEDULE(ONE_CYCLE, "one-cycle", 1, 0, 0.1, 1e-4)
GR_SCHEDULE(FLAT_COSINE, "flat-cosine", 1, 0, 0.1, 1e-4)
GR_SCHEDULE(COSLOG4, "coslog4", 1, 0, 0.1, 1e-4)
GR_SCHEDULE(PLATEAU, "plateau", 0, 1, 0.1, 1e-4)
GR_SCHEDULE(NEWBOB, "newbob", 0, 1, 0.5, 5e-3)
