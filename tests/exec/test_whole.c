/* Updates that need more than the gradient of one weight, against what was published about them. */
#include <config.h>

#include <math.h>

#include "exec_tests.h"

/* You et al. 2020, section 3: each layer's step is the learning rate times the norm of its weights,
 * whatever the gradient. In float the quotient of norms and each element are rounded some times: 8
 * of 2^-24 bound it, beside the rounding of the new weights, 2^-24 of their norm. */
static void a_step_of_lamb_is_the_rate_times_the_norm_of_the_layer(void) {
  for (int variant = 0; variant < 3; variant++) {
    const recipe r = {.width = {13, 40, 33, 5},
                      .hidden = GR_TANH,
                      .output = GR_SOFTMAX,
                      .loss = GR_CROSS_ENTROPY,
                      .optimizer = GR_LAMB,
                      .batch = 100,
                      .rows = 100,
                      .steps = 1,
                      .learning_rate = 0.02,
                      .decay = variant ? 0.1 : 0,
                      .clip_norm = variant == 2 ? 0.01 : 0,
                      .type = GR_F32};
    const data d = make_data(&r, gr_test_seed());
    const gr_network network = make_network(&r);
    const float *old = make_parameters(&network, 3);
    const outcome o = run_recipe(&r, &d, (workers){2, GR_AUTO, GR_AUTO});
    for (uint32_t l = 0; l < network.n_layers; l++) {
      const gr_layer *layer = &network.layer[l];
      double norm = 0, step = 0;
      for (size_t i = layer->weights; i < layer->bias; i++) {
        const double gone = (double)o.parameters[i] - (double)old[i];
        norm += (double)old[i] * (double)old[i];
        step += gone * gone;
      }
      norm = sqrt(norm);
      step = sqrt(step);
      GR_CHECK(fabs(step - 0.02 * norm) <= 0x1p-24 * norm + 8 * 0x1p-24 * 0.02 * norm,
               "layer %u goes %.9g, its weights are %.9g", l, step, norm);
    }
    gr_test_release();
  }
}

const gr_test whole_tests[] = {
    GR_TEST(a_step_of_lamb_is_the_rate_times_the_norm_of_the_layer),
    GR_TEST_END,
};
