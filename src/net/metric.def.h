/* GR_METRIC(ID, name, tasks, better, needs, function): which tasks have it, CLASSES, NUMBERS,
 * LABELS, or EITHER of classes and labels, whether HIGH or LOW is better, what it is made from, and
 * the function of train/scores.c that gives it. What needs PROBABILITIES wants outputs that are
 * such; what needs RANKS keeps a score for each row. Those of the first rows are always measured
 * (METRIC_USUAL of net/metric.h). Formulas and sources in gradus-config(5). */
GR_METRIC(ACCURACY, "accuracy", CLASSES, HIGH, ROWS, accuracy)
GR_METRIC(RMSE, "rmse", NUMBERS, LOW, ROWS, rmse)
GR_METRIC(R2, "r2", NUMBERS, HIGH, ROWS, r2)
GR_METRIC(TOP_K, "top_k", CLASSES, HIGH, ROWS, top_k)
GR_METRIC(BALANCED_ACCURACY, "balanced_accuracy", CLASSES, HIGH, ROWS, balanced_accuracy)
GR_METRIC(F1, "f1", EITHER, HIGH, ROWS, f1)
GR_METRIC(MCC, "mcc", CLASSES, HIGH, ROWS, mcc)
GR_METRIC(AUC, "auc", EITHER, HIGH, RANKS, auc)
GR_METRIC(PR_AUC, "pr_auc", EITHER, HIGH, RANKS, pr_auc)
GR_METRIC(LOG_LOSS, "log_loss", EITHER, LOW, PROBABILITIES, log_loss)
GR_METRIC(BRIER, "brier", EITHER, LOW, PROBABILITIES, brier)
GR_METRIC(ECE, "ece", CLASSES, LOW, PROBABILITIES, ece)
GR_METRIC(MAE, "mae", NUMBERS, LOW, ROWS, mae)
GR_METRIC(MAPE, "mape", NUMBERS, LOW, ROWS, mape)
GR_METRIC(PINBALL, "pinball", NUMBERS, LOW, ROWS, pinball)
GR_METRIC(F1_MICRO, "f1_micro", LABELS, HIGH, ROWS, f1_micro)
GR_METRIC(HAMMING, "hamming", LABELS, LOW, ROWS, hamming)
GR_METRIC(SUBSET_ACCURACY, "subset_accuracy", LABELS, HIGH, ROWS, subset_accuracy)
