/* GR_OPTIMIZER(ID, name, moments, decoupled, scope, rate, momentum, beta1, beta2, epsilon)
 *
 * moments: how many values each parameter carries besides itself. decoupled: weight decay acts
 * apart from the gradient. scope: what the new value of a weight depends on (gr_scope in
 * kernel/kinds.h). Then what `auto` means for the keys of the optimiser; those that it does
 * not look at have the values of adam. Formulas and sources in kernel/optimizer.h. */
GR_OPTIMIZER(SGD, "sgd", 0, 0, WEIGHT, 1e-3, 0.9, 0.9, 0.999, 1e-8)
GR_OPTIMIZER(MOMENTUM, "momentum", 1, 0, WEIGHT, 1e-3, 0.9, 0.9, 0.999, 1e-8)
GR_OPTIMIZER(NESTEROV, "nesterov", 1, 0, WEIGHT, 1e-3, 0.9, 0.9, 0.999, 1e-8)
GR_OPTIMIZER(ADAM, "adam", 2, 0, WEIGHT, 1e-3, 0.9, 0.9, 0.999, 1e-8)
GR_OPTIMIZER(ADAMW, "adamw", 2, 1, WEIGHT, 1e-3, 0.9, 0.9, 0.999, 1e-8)
GR_OPTIMIZER(ADAGRAD, "adagrad", 1, 0, WEIGHT, 1e-2, 0.9, 0.9, 0.999, 1e-10)
GR_OPTIMIZER(RMSPROP, "rmsprop", 1, 0, WEIGHT, 1e-3, 0.9, 0.9, 0.99, 1e-8)
GR_OPTIMIZER(RMSPROP_MOMENTUM, "rmsprop-momentum", 2, 0, WEIGHT, 1e-3, 0.9, 0.9, 0.99, 1e-8)
GR_OPTIMIZER(ADADELTA, "adadelta", 2, 0, WEIGHT, 1.0, 0.9, 0.9, 0.9, 1e-6)
GR_OPTIMIZER(NADAM, "nadam", 2, 0, WEIGHT, 2e-3, 0.9, 0.9, 0.999, 1e-8)
GR_OPTIMIZER(LION, "lion", 1, 1, WEIGHT, 1e-4, 0.9, 0.9, 0.99, 1e-8)
GR_OPTIMIZER(LAMB, "lamb", 2, 1, LAYER, 1e-3, 0.9, 0.9, 0.999, 1e-6)
GR_OPTIMIZER(RPROP, "rprop", 2, 0, RUN, 1e-2, 0.9, 0.9, 0.999, 1e-8)
GR_OPTIMIZER(LBFGS, "lbfgs", 2 + 2 * GR_LBFGS_PAIRS, 0, SEARCH, 1.0, 0.9, 0.9, 0.999, 1e-8)
