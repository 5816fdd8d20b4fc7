/* The part of the trainer's loop that takes steps, and nothing else of it. */
#include <config.h>

#include "train/steps.h"

#include "base/memory.h"
#include "exec/team.h"
#include "net/average.h"
#include "net/schedule.h"
#include "train/random_data.h"

static gradus_status prepare(gr_steps *s, const gr_config *config, const gr_dataset *data,
                             gradus_error *err) {
  if (data) return gr_prepare(config, data, &s->prepared, err);
  gr_config own;
  GR_TRY(gr_config_copy(config, &own, err));
  gradus_status status = gr_random_data(&own, &s->data, err);
  if (status == GRADUS_OK) status = gr_prepare(&own, &s->data, &s->prepared, err);
  gr_config_free(&own);
  return status;
}

gradus_status gr_steps_make(const gr_config *config, const gr_dataset *data, gr_steps *out,
                            gradus_error *err) {
  *out = (gr_steps){.step = 0};
  GR_TRY(prepare(out, config, data, err));
  const gr_config *c = &out->prepared.config;
  GR_TRY(gr_network_make(c, &out->network, err));
  out->epoch_steps = gr_config_epoch_steps(c, out->prepared.n_train);
  out->total = gr_config_total_steps(c, out->prepared.n_train);
  out->parameters = gr_alloc(out->network.n_parameters, sizeof(float));
  if (!out->parameters) return gr_fail_memory(err, "the parameters");
  const gr_engine_resources resources = {.threads = gr_team_threads(c->resources.threads),
                                         .isa = c->resources.isa,
                                         .pin = c->resources.pin,
                                         .strategy = c->resources.strategy};
  GR_TRY(gr_engine_create(&out->network, c, &resources, false, &out->engine, err));
  return gr_steps_restart(out, err);
}

void gr_steps_free(gr_steps *steps) {
  gr_engine_destroy(steps->engine);
  gr_free(steps->parameters);
  gr_prepared_free(&steps->prepared);
  gr_dataset_free(&steps->data);
  *steps = (gr_steps){.step = 0};
}

gradus_status gr_steps_restart(gr_steps *steps, gradus_error *err) {
  const gr_config *c = &steps->prepared.config;
  gr_network_initialize(&steps->network, (gr_initialization)c->network.initialization,
                        c->training.seed, steps->parameters);
  gr_engine_load(steps->engine, steps->parameters, NULL);
  steps->step = steps->epoch = steps->position = 0;
  return gr_pass_begin(&steps->prepared.train_pass, 0, 0, err);
}

static double rate(void *user, uint64_t step) {
  const gr_steps *s = user;
  return gr_schedule_rate(&s->prepared.config, step, s->total,
                          &(gr_schedule_state){.epoch_steps = s->epoch_steps});
}

static double average_share(void *user, uint64_t step) {
  const gr_steps *s = user;
  return gr_average_share(&s->prepared.config, step, s->epoch_steps);
}

static gr_course course(void *user, uint64_t step) {
  const gr_steps *s = user;
  return gr_schedule_course(&s->prepared.config, step, s->total);
}

static bool count(void *user, const gr_step_result *result, uint64_t n) {
  gr_steps *s = user;
  (void)result;
  s->step++;
  s->position += n;
  return true;
}

/* Up to `n` steps of this epoch. */
static gradus_status take_some(gr_steps *s, uint64_t n, gr_step_result *result, gradus_error *err) {
  gr_pass *pass = &s->prepared.train_pass;
  const gr_run run = {.rows = &pass->rows,
                      .order = &pass->order,
                      .feed = pass->feed,
                      .start = s->position,
                      .end = s->prepared.n_train,
                      .step = s->step,
                      .n_steps = n,
                      .learning_rate = rate,
                      .average_share = average_share,
                      .course = course,
                      .after = count,
                      .user = s};
  gr_engine_run(s->engine, &run, result);
  if (result->starved) return pass->feed->why(pass->feed->user, err);
  if (s->position < s->prepared.n_train) return GRADUS_OK;
  s->position = 0;
  return gr_pass_begin(pass, ++s->epoch, 0, err);
}

gradus_status gr_steps_take(gr_steps *steps, uint64_t n, uint64_t *rows, gradus_error *err) {
  gr_step_result result;
  *rows = 0;
  for (const uint64_t end = steps->step + n; steps->step < end;) {
    const uint64_t epoch = steps->epoch, position = steps->position;
    GR_TRY(take_some(steps, end - steps->step, &result, err));
    *rows += (steps->epoch > epoch ? steps->prepared.n_train : steps->position) - position;
    if (!result.finite)
      return gr_fail(err, GRADUS_ERR_NONFINITE,
                     "step %llu: the loss is not finite; a smaller optimizer.learning_rate may "
                     "help",
                     (unsigned long long)steps->step);
  }
  return GRADUS_OK;
}

void gr_steps_digest(gr_steps *steps, char out[GR_DIGEST_TEXT]) {
  gr_engine_store(steps->engine, steps->parameters, NULL);
  gr_parameters_digest(steps->parameters, steps->network.n_parameters, out);
}
