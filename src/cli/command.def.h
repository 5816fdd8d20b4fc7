/* One row per command: GR_COMMAND(name, arguments, fewest, most arguments, takes keys of
 * gradus-config(5), summary). Each has its options and its function in cmd_<name>.c. */
GR_COMMAND(train, "[DATA...]", 0, GR_MOST_ARGUMENTS - 1, 1,
           "train a network, or go on with a run that was interrupted")
GR_COMMAND(eval, "MODEL DATA...", 2, GR_MOST_ARGUMENTS, 0,
           "loss, metrics and confusion matrix of a model on a data set")
GR_COMMAND(predict, "MODEL DATA...", 2, GR_MOST_ARGUMENTS, 0,
           "write a model's outputs as CSV, .npy or .h5")
GR_COMMAND(importance, "MODEL DATA...", 2, GR_MOST_ARGUMENTS, 0,
           "how much a model leans on each column, by permuting it")
GR_COMMAND(calibrate, "MODEL DATA...", 2, GR_MOST_ARGUMENTS, 0,
           "make a model's probabilities as often right as they say")
GR_COMMAND(import, "--train FILE[,LABELS] OUT.h5", 1, 1, 0,
           "build a data set file from CSV, LIBSVM, NumPy or IDX files")
GR_COMMAND(generate, "[KIND OUT.h5]", 0, 2, 0,
           "make a data set of a known kind; without KIND list them")
GR_COMMAND(inspect, "FILE", 1, 1, 1, "show what is in a data set, checkpoint or run directory")
GR_COMMAND(seal, "FILE", 1, 1, 0, "seal a checkpoint again that was edited on purpose")
GR_COMMAND(stop, "RUN", 1, 1, 0, "ask a run to checkpoint and stop, here or on another host")
GR_COMMAND(bench, "[DATA]", 0, 1, 1, "speed of training steps against this machine's limit")
GR_COMMAND(doctor, "", 0, 0, 0, "show what gradus sees of this machine, with advice")
