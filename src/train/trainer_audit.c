/* Silent data corruption: a processor or memory that now and then gives another number than it
 * should. As a step has the same bits however it is shared out, one that is taken twice, by another
 * partition of the work, other kernels and another place in memory, must agree exactly: loss,
 * parameters and moments. What is wrong in the same way both times (the data in memory, weights
 * that were already wrong) is not found. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "kernel/isa.h"
#include "net/digest.h"
#include "plan/plan.h"
#include "train/files.h"
#include "train/trainer_internal.h"

/* A feed that keeps what it has brought: both executions go through the same rows. */
typedef struct kept_feed {
  const gr_feed_hooks *inner;
  uint64_t there; /* positions below are */
} kept_feed;

struct gr_audit {
  gr_engine *engine;
  float *before[1 + GR_MAX_MOMENTS], *after[1 + GR_MAX_MOMENTS]; /* parameters, then moments */
  uint64_t steps;                                                /* that have agreed */
};

/* What a step has come to. */
typedef struct outcome {
  char digest[1 + GR_MAX_MOMENTS][GR_DIGEST_TEXT];
  gr_step_result result;
} outcome;

/* ---- making ---- */

/* Another of the CPU's vector instruction sets where there is one, and another way to share. */
static gr_engine_resources other_way(const gr_engine *engine) {
  gr_engine_resources r = gr_engine_partition(engine);
  for (int isa = GR_N_ISAS - 1; isa > 0; isa--) {
    if (isa == r.isa || isa == GR_ISA_GENERIC || !gr_isa_available((gr_isa)isa)) continue;
    r.isa = isa;
    break;
  }
  r.strategy = r.strategy == GR_STRATEGY_COLUMNS ? GR_STRATEGY_TILES : GR_STRATEGY_COLUMNS;
  if (r.threads == 1) r.threads = 2;
  r.pin = false;
  return r;
}

static bool make_vectors(const gr_trainer *t, float *vector[1 + GR_MAX_MOMENTS]) {
  bool whole = true;
  for (uint32_t m = 0; m <= t->now.n_moments; m++) {
    vector[m] = gr_calloc(t->now.model.network.n_parameters, sizeof(float));
    whole = whole && vector[m];
  }
  return whole;
}

gradus_status gr_trainer_make_audit(gr_trainer *t, gradus_error *err) {
  const gr_config *config = &t->prepared.config;
  if (config->resources.audit == 0 || t->options.dry_run) return GRADUS_OK;
  gr_audit *a = t->audit = gr_calloc(1, sizeof *a);
  if (!a || !make_vectors(t, a->before) || !make_vectors(t, a->after))
    return gr_fail_memory(err, "the audit (resources.audit)");
  const gr_engine_resources other = other_way(t->engine);
  return gr_engine_create(&t->now.model.network, config, &other, false, &a->engine, err);
}

void gr_trainer_end_audit(gr_trainer *t) {
  gr_audit *a = t->audit;
  if (!a) return;
  gr_engine_destroy(a->engine);
  for (int m = 0; m <= GR_MAX_MOMENTS; m++) {
    gr_free(a->before[m]);
    gr_free(a->after[m]);
  }
  gr_free(a);
  t->audit = NULL;
}

uint64_t gr_trainer_audited(const gr_trainer *t) {
  return t->audit ? t->audit->steps : 0;
}

uint64_t gr_trainer_until_audit(const gr_trainer *t) {
  const uint64_t every = (uint64_t)t->prepared.config.resources.audit;
  return t->audit ? every - 1 - t->now.state.step % every : UINT64_MAX;
}

/* ---- rows ---- */

static bool wait_kept(void *user, uint64_t end) {
  kept_feed *k = user;
  if (end <= k->there) return true;
  k->there = end;
  return k->inner->wait(k->inner->user, end);
}

static void release_nothing(void *user, uint64_t end) {
  (void)user;
  (void)end;
}

static gradus_status rewind_kept(void *user, gradus_error *err) {
  const kept_feed *k = user;
  return k->inner->rewind(k->inner->user, err);
}

static gradus_status why_kept(void *user, gradus_error *err) {
  const kept_feed *k = user;
  return k->inner->why(k->inner->user, err);
}

static gr_feed_hooks hooks_of(kept_feed *k) {
  return (gr_feed_hooks){.user = k,
                         .wait = wait_kept,
                         .release = release_nothing,
                         .rewind = rewind_kept,
                         .why = why_kept};
}

/* ---- one step, twice ---- */

static bool take_one(void *user, const gr_step_result *result, uint64_t n) {
  (void)user;
  (void)result;
  (void)n;
  return true;
}

/* Takes the step by `engine`, which stands before it, and measures what comes of it. */
static gradus_status execute(gr_trainer *t, gr_engine *engine, const gr_feed_hooks *feed,
                             outcome *out, gradus_error *err) {
  gr_audit *a = t->audit;
  const size_t bytes = t->now.model.network.n_parameters * sizeof(float);
  GR_TRY(gr_trainer_step_by(t, engine, feed, take_one, &out->result, err));
  gr_engine_store(engine, a->after[0], &a->after[1]);
  for (uint32_t m = 0; m <= t->now.n_moments; m++)
    gr_digest_bytes(a->after[m], bytes, out->digest[m]);
  return GRADUS_OK;
}

static void go_before(const gr_audit *a, gr_engine *engine) {
  gr_engine_load(engine, a->before[0], (const float *const *)&a->before[1]);
}

/* A step that is refused has no outcome but that. */
static bool agree(const gr_trainer *t, const outcome *a, const outcome *b) {
  if (a->result.finite != b->result.finite) return false;
  if (!a->result.finite) return true;
  bool same = memcmp(&a->result.loss, &b->result.loss, sizeof a->result.loss) == 0 &&
              memcmp(&a->result.weight, &b->result.weight, sizeof a->result.weight) == 0 &&
              memcmp(&a->result.search, &b->result.search, sizeof a->result.search) == 0;
  for (uint32_t m = 0; m <= t->now.n_moments; m++)
    same = same && strcmp(a->digest[m], b->digest[m]) == 0;
  return same;
}

/* ---- a disagreement ---- */

static void put_outcome(const gr_trainer *t, const char *name, const gr_engine *engine,
                        const outcome *o, gr_text *out) {
  const gr_engine_resources r = gr_engine_partition(engine);
  gr_text_printf(out, "%s:\n  isa: %s\n  threads: %d\n  strategy: %s\n  loss: ", name,
                 gr_engine_isa(engine), r.threads, gr_strategy_names[r.strategy]);
  gr_text_put_double(out, o->result.loss);
  gr_text_printf(out, "\n  parameters: %s\n", o->digest[0]);
  for (uint32_t m = 1; m <= t->now.n_moments; m++)
    gr_text_printf(out, "  moment%u: %s\n", (unsigned)m, o->digest[m]);
}

/* audit/step-....yaml; what cannot be written is a warning. */
static void record(gr_trainer *t, const outcome o[3], const char *verdict) {
  char path[GR_RUN_FILE], folder[GR_RUN_FILE], name[64];
  gr_text text = {0};
  gradus_error reason = {.status = GRADUS_OK};
  snprintf(name, sizeof name, "audit/step-%012llu.yaml", (unsigned long long)t->now.state.step + 1);
  gr_run_file(t->run.path, "audit", folder);
  gr_run_file(t->run.path, name, path);
  gr_text_printf(&text,
                 "step: %llu\nepoch: %llu\nverdict: ", (unsigned long long)t->now.state.step + 1,
                 (unsigned long long)t->now.state.epoch + 1);
  gr_text_put_json(&text, verdict);
  gr_text_puts(&text, "\n");
  put_outcome(t, "training", t->engine, &o[0], &text);
  put_outcome(t, "audit", t->audit->engine, &o[1], &text);
  put_outcome(t, "again", t->engine, &o[2], &text);
  gradus_status status =
      text.failed ? gr_fail_memory(&reason, path) : gr_make_directories(folder, &reason);
  if (status == GRADUS_OK) status = gr_file_replace(path, text.data, text.length, true, &reason);
  if (status != GRADUS_OK) gr_log_write(&t->log, GR_WARNING, "%s", reason.message);
  gr_text_free(&text);
  const gr_timing timing = {.event = "audit", .seconds = -1, .detail = verdict};
  (void)gr_trainer_timing(t, timing, NULL);
}

/* Which of the two was wrong: the step is taken a third time, as training takes it. */
static const char *judge(const gr_trainer *t, const outcome o[3]) {
  if (agree(t, &o[2], &o[0]))
    return "training gives the same again: the audit's execution went wrong, or one of the two "
           "does every time";
  return agree(t, &o[2], &o[1])
             ? "taken again, training agrees with the audit: its first execution "
               "went wrong"
             : "taken again, training gives a third result";
}

static gradus_status fail_audit(gr_trainer *t, const gr_feed_hooks *feed, outcome o[3],
                                gradus_error *err) {
  (void)gr_trainer_settle(t, NULL);
  go_before(t->audit, t->engine);
  GR_TRY(execute(t, t->engine, feed, &o[2], err));
  const char *verdict = judge(t, o);
  record(t, o, verdict);
  go_before(t->audit, t->engine);
  return gr_fail(
      err, GRADUS_ERR_FAILED,
      "step %llu (epoch %llu): audit: the step taken twice gave different bits; %s; this "
      "machine computes or stores wrongly, go on with another one from %s",
      (unsigned long long)t->now.state.step + 1, (unsigned long long)t->now.state.epoch + 1,
      verdict, t->saved_path[0] ? t->saved_path : "the beginning (there is no checkpoint yet)");
}

/* Both executions start from what `before` holds; a fault of a test is put into the audit's. */
static gradus_status execute_both(gr_trainer *t, const gr_feed_hooks *feed, outcome o[3],
                                  gradus_error *err) {
  gr_audit *a = t->audit;
  gr_engine_store(t->engine, a->before[0], &a->before[1]);
  GR_TRY(execute(t, t->engine, feed, &o[0], err));
  if (t->options.at_audit) t->options.at_audit(t->options.user, t->now.state.step, a->before[0]);
  go_before(a, a->engine);
  GR_TRY(execute(t, a->engine, feed, &o[1], err));
  if (t->options.at_audit) t->options.at_audit(t->options.user, t->now.state.step, a->before[0]);
  return GRADUS_OK;
}

gradus_status gr_trainer_audit_step(gr_trainer *t, gr_step_result *result, uint64_t *n,
                                    gradus_error *err) {
  kept_feed kept = {.inner = t->prepared.train_pass.feed};
  outcome o[3];
  GR_TRY(gr_trainer_begin_pass(t, err));
  kept.inner = t->prepared.train_pass.feed;
  const gr_feed_hooks hooks = hooks_of(&kept), *feed = kept.inner ? &hooks : NULL;
  const uint64_t rows = gr_config_step_rows(&t->prepared.config),
                 left = t->prepared.n_train - t->now.state.position;
  GR_TRY(execute_both(t, feed, o, err));
  if (!agree(t, &o[0], &o[1])) return fail_audit(t, feed, o, err);
  *n = left < rows ? left : rows;
  if (kept.inner && o[0].result.finite)
    kept.inner->release(kept.inner->user, t->now.state.position + *n);
  *result = o[0].result;
  t->audit->steps++;
  return GRADUS_OK;
}
