/* GR_OPTIMIZER(ID, name, moments): how many values each parameter carries besides itself. Formulas
 * in kernel/optimizer.h. */
GR_OPTIMIZER(SGD, "sgd", 0)
GR_OPTIMIZER(MOMENTUM, "momentum", 1)
GR_OPTIMIZER(NESTEROV, "nesterov", 1)
GR_OPTIMIZER(ADAM, "adam", 2)
GR_OPTIMIZER(ADAMW, "adamw", 2)
