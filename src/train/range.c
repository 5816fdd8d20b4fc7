/* Steps like those of a run, at rates of our own. A loss that is not finite ends the test, which is
 * what it looks for. */
#include <config.h>

#include "train/range.h"

#include <math.h>

#include "base/elementary.h"
#include "kernel/kinds.h"
#include "train/steps.h"

#define KEEP 0.9
/* Steps before the mean says something; how far to both sides slopes are taken, which the noise of
 * single batches would else decide; how many times the least mean is divergence. */
enum { SETTLES = 10, REACH = 10, WORSE = 4 };

typedef struct test {
  gr_range *range;
  uint64_t position; /* of the pass */
} test;

static double rate(void *user, uint64_t step) {
  const test *t = user;
  return t->range->rate[step < GR_RANGE_STEPS ? step : GR_RANGE_STEPS - 1];
}

static bool note(void *user, const gr_step_result *result, uint64_t n) {
  test *t = user;
  gr_range *range = t->range;
  t->position += n;
  if (!result->finite) return false;
  range->loss[range->n++] = result->loss / result->weight;
  return !gr_range_judge(range);
}

static void suggest(gr_range *range, uint64_t least) {
  double steepest = 0;
  for (uint64_t i = SETTLES + REACH; i + REACH <= least; i++) {
    const double fall = range->smooth[i - REACH] - range->smooth[i + REACH];
    if (fall > steepest) {
      steepest = fall;
      range->suggestion = range->rate[i];
    }
  }
}

bool gr_range_judge(gr_range *range) {
  double mean = 0, kept = 1;
  uint64_t least = 0;
  for (uint64_t i = 0; i < range->n; i++) {
    mean = KEEP * mean + (1 - KEEP) * range->loss[i];
    kept *= KEEP;
    range->smooth[i] = mean / (1 - kept);
    if (range->smooth[i] < range->smooth[least]) least = i;
  }
  range->suggestion = (double)NAN;
  suggest(range, least);
  return range->n > SETTLES && range->smooth[range->n - 1] > WORSE * range->smooth[least];
}

/* Passes over the rows, until the steps are taken or the loss has had enough. */
static gradus_status take_steps(gr_steps *s, gr_range *range, gradus_error *err) {
  gr_pass *pass = &s->prepared.train_pass;
  test t = {.range = range};
  for (uint64_t epoch = 0; range->n < GR_RANGE_STEPS; t.position = 0) {
    gr_step_result result;
    const gr_run run = {.rows = &pass->rows,
                        .order = &pass->order,
                        .feed = pass->feed,
                        .end = s->prepared.n_train,
                        .step = range->n,
                        .n_steps = GR_RANGE_STEPS - range->n,
                        .learning_rate = rate,
                        .after = note,
                        .user = &t};
    gr_engine_run(s->engine, &run, &result);
    if (result.starved) return pass->feed->why(pass->feed->user, err);
    if (!result.finite || t.position < s->prepared.n_train || gr_range_judge(range)) break;
    GR_TRY(gr_pass_begin(pass, ++epoch, 0, err));
  }
  return GRADUS_OK;
}

gradus_status gr_range_test(const gr_config *config, const gr_dataset *data, gr_range *out,
                            gradus_error *err) {
  const double span = gr_ln(GR_RANGE_LAST / GR_RANGE_FIRST);
  const gr_optimizer_kind *o = &gr_optimizers[config->optimizer.name];
  *out = (gr_range){.suggestion = (double)NAN};
  if (gr_scope_is_full(o->scope))
    return gr_fail(err, GRADUS_ERR_CONFIG,
                   "optimizer.name: %s finds its own step sizes; a range test is for the others",
                   o->name);
  for (uint64_t i = 0; i < GR_RANGE_STEPS; i++)
    out->rate[i] = GR_RANGE_FIRST * gr_exp(span * (double)i / (GR_RANGE_STEPS - 1));
  gr_steps steps;
  gradus_status status = gr_steps_make(config, data, &steps, err);
  if (status == GRADUS_OK) status = take_steps(&steps, out, err);
  gr_steps_free(&steps);
  return status;
}

void gr_range_csv(const gr_range *range, gr_text *out) {
  gr_text_puts(out, "step,learning_rate,loss,smooth_loss\n");
  for (uint64_t i = 0; i < range->n; i++) {
    const double values[] = {range->rate[i], range->loss[i], range->smooth[i]};
    gr_text_printf(out, "%llu", (unsigned long long)(i + 1));
    for (int k = 0; k < 3; k++) {
      gr_text_puts(out, ",");
      gr_text_put_double(out, values[k]);
    }
    gr_text_puts(out, "\n");
  }
}
