/* A dense network in double, written from the formulas and with the C library's functions: what the
 * kernels and the engine are measured against. It shares no code with them. */
#ifndef GR_TESTS_SUPPORT_ORACLE_H
#define GR_TESTS_SUPPORT_ORACLE_H

#include <stddef.h>

#include "net/network.h"

/* The unit roundoff of float: one operation errs by at most GR_ULP times its result. */
#define GR_ROUNDOFF 0x1p-24

/* f(z) of the activations that need no row, and f'(z). */
double gr_oracle_activation(gr_activation kind, double z);
double gr_oracle_derivative(gr_activation kind, double z);

/* Outputs of one row from z [n]: probabilities for softmax. a may be z. */
void gr_oracle_outputs(gr_activation kind, const double *z, size_t n, double *a);

/* At most how large |f'| is; how far the value and the slope that kernels make may lie from the
 * exact f and f' of the same z (kernel/activation.h and docs there). */
double gr_oracle_steepest(gr_activation kind);
double gr_oracle_activation_error(gr_activation kind, double f);
double gr_oracle_slope_error(gr_activation kind, double slope);

/* What the losses have beside outputs and targets, as in gr_loss_rows. */
typedef struct gr_oracle_parameters {
  double parameter, smoothing;
  size_t n_levels;
  double levels[4];
} gr_oracle_parameters;
extern const gr_oracle_parameters gr_oracle_defaults;

/* Loss of one row from z [n] and targets y [n], one for each output: the formulas of
 * kernel/loss_terms.h and kernel/loss.c. */
double gr_oracle_row_loss(gr_loss loss, gr_activation kind, const gr_oracle_parameters *p,
                          const double *z, const double *y, size_t n);

/* What layer 1 reads of inputs x: a [n_in of layer 1]. */
void gr_oracle_inputs(const gr_network *network, const double *parameters, const double *x,
                      double *a);

/* z of the last layer [n_out] for inputs x; parameters in logical order. Where a_out is not NULL it
 * receives the outputs of all layers but the last, one after another. */
void gr_oracle_forward(const gr_network *network, const double *parameters, const double *x,
                       double *z, double *a_out);

/* Mean over rows, weighted, of the loss: x [n_rows][n_in], y [n_rows][n_out], weight [n_rows] or
 * NULL. */
double gr_oracle_loss(const gr_network *network, const double *parameters, size_t n_rows,
                      const double *x, const double *y, const double *weight,
                      const gr_oracle_parameters *p);

/* The same, without weights, where layers may be normalised by the batch, which is all of the rows.
 * Memory comes from gr_test_array. */
double gr_oracle_batch_loss(const gr_network *network, const double *parameters, size_t n_rows,
                            const double *x, const double *y, const gr_oracle_parameters *p);

/* For each parameter, how far at most (first-order terms and a tenth more) the gradient of that
 * mean in float, as the engine orders it, may lie from the exact one: running error analysis of
 * forward, loss, data gradient and weight gradient. */
void gr_oracle_gradient_bound(const gr_network *network, const double *parameters, size_t n_rows,
                              const double *x, const double *y, const double *weight,
                              const gr_oracle_parameters *p, double *bound);

#endif
