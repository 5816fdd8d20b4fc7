/* gradus_model_calibrate: what goes into the last activation is had from an engine whose output is
 * the identity; then one number is fitted and the model's file written anew. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "api/internal.h"
#include "base/memory.h"
#include "exec/team.h"
#include "gradus/model.h"
#include "kernel/kinds.h"
#include "train/classes.h"
#include "train/environment.h"
#include "train/metrics.h"
#include "train/prepare.h"
#include "train/temperature.h"

/* The rows of z as they come. */
struct collection {
  const gr_pass *pass;
  uint32_t n_out;
  float *z;             /* [n][n_out] */
  uint64_t *number;     /* [n] */
  int32_t *class_index; /* [n] or NULL: of streamed rows the ring holds a few */
  float *targets, *weight;
};

static gradus_status take(void *user, uint64_t first, uint64_t n, const float *outputs,
                          gradus_error *err) {
  struct collection *c = user;
  const gr_rows *rows = &c->pass->rows;
  const uint32_t k = c->n_out;
  (void)err;
  memcpy(c->z + first * k, outputs, n * k * sizeof *outputs);
  gr_row_order_numbers(&c->pass->order, NULL, first, n, c->number + first);
  for (uint64_t i = first; i < first + n; i++) {
    const uint64_t from = c->number[i];
    if (c->class_index) c->class_index[i] = rows->class_index[from];
    if (c->targets) memcpy(c->targets + i * k, rows->targets + from * k, k * sizeof(float));
    if (c->weight) c->weight[i] = rows->weight[from];
    c->number[i] = i;
  }
  return GRADUS_OK;
}

static void free_collection(struct collection *c) {
  gr_free(c->z);
  gr_free(c->number);
  gr_free(c->class_index);
  gr_free(c->targets);
  gr_free(c->weight);
}

static gradus_status make_collection(struct collection *c, const gr_pass *pass, gradus_error *err) {
  size_t cells;
  const uint64_t memory = pass->request.memory;
  if (!gr_multiply(pass->n, c->n_out, &cells)) return gr_fail_memory(err, "a calibration");
  if (memory && cells > memory / (2 * sizeof(float)))
    return gr_fail(err, GRADUS_ERR_RESOURCES,
                   "calibrating on %llu rows needs %llu MiB, of %llu MiB of memory; fewer rows do",
                   (unsigned long long)pass->n, (unsigned long long)(cells >> 17) + 1,
                   (unsigned long long)(memory >> 20));
  c->z = gr_alloc(cells, sizeof *c->z);
  c->number = gr_alloc(pass->n, sizeof *c->number);
  if (pass->rows.class_index) c->class_index = gr_alloc(pass->n, sizeof *c->class_index);
  if (pass->rows.targets) c->targets = gr_alloc(cells, sizeof *c->targets);
  if (pass->rows.weight) c->weight = gr_alloc(pass->n, sizeof *c->weight);
  return c->z && c->number && (c->class_index || c->targets) && (c->weight || !pass->rows.weight)
             ? GRADUS_OK
             : gr_fail_memory(err, "a calibration");
}

/* An engine that leaves z as it is. */
static gradus_status make_engine(const gr_model *model, int threads, gr_engine **out,
                                 gradus_error *err) {
  gr_network network = model->network;
  gr_config config = model->config; /* its strings stay the model's */
  const gr_engine_resources resources = {
      .threads = gr_team_threads(threads), .isa = GR_AUTO, .strategy = GR_AUTO};
  network.loss = GR_QUADRATIC;
  network.layer[network.n_layers - 1].activation = GR_IDENTITY;
  config.training.loss = GR_QUADRATIC;
  config.network.output_activation = GR_IDENTITY;
  GR_TRY(gr_engine_create(&network, &config, &resources, true, out, err));
  gr_engine_load(*out, model->parameters, NULL);
  return GRADUS_OK;
}

static gradus_status fit(const gr_model *model, gr_pass *pass, int threads, gr_temperature *out,
                         gradus_error *err) {
  const gr_network *network = &model->network;
  struct collection c = {.pass = pass, .n_out = network->layer[network->n_layers - 1].n_out};
  gr_engine *engine = NULL;
  gr_metrics metrics;
  gradus_status status = make_collection(&c, pass, err);
  if (status == GRADUS_OK) status = make_engine(model, threads, &engine, err);
  /* the class numbers of a softmax mean nothing to this engine; its loss is not looked at */
  if (status == GRADUS_OK)
    status = gr_measure(engine, &model->preprocessing, pass, take, &c, &metrics, err);
  const gr_rows rows = {.class_index = c.class_index, .targets = c.targets, .weight = c.weight};
  if (status == GRADUS_OK)
    status = gr_temperature_fit(&rows, c.number, pass->n, c.n_out, c.z, out, err);
  gr_engine_destroy(engine);
  free_collection(&c);
  return status;
}

/* ---- which rows ---- */

/* The rows that training held out, of the data that it saw. */
static gradus_status find_held(const gr_checkpoint *model, const gr_dataset *data,
                               gr_row_bits *bits, gradus_error *err) {
  const gr_config *config = &model->model.config;
  if (config->data.valid_split <= 0 || data->split[GR_TRAIN].n_rows < 2)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: has no validation split, and training held no rows out; rows that a model "
                   "was trained on cannot calibrate it: name others with --split",
                   gr_dataset_label(data));
  if (strcmp(model->state.dataset_digest, data->digest) != 0)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: is not what the model was trained on, so that it is not known which rows "
                   "were held out; name a split with --split",
                   gr_dataset_label(data));
  GR_TRY(gr_row_bits_make(data->split[GR_TRAIN].n_rows, bits, err));
  gr_hold_out(config->training.seed, config->data.valid_split, bits);
  return GRADUS_OK;
}

static gradus_status choose(const gr_checkpoint *model, const gr_dataset *data, const char *name,
                            gr_split_id *id, gr_row_bits *bits, gradus_error *err) {
  *id = GR_VALID;
  if (name) {
    GR_TRY(gr_api_split(name, id, err));
    if (data->split[*id].n_rows > 0) return GRADUS_OK;
    return gr_fail(err, GRADUS_ERR_DATA, "%s: has no %s split", gr_dataset_label(data), name);
  }
  if (data->split[GR_VALID].n_rows > 0) return GRADUS_OK;
  *id = GR_TRAIN;
  return find_held(model, data, bits, err);
}

static gradus_status calibrate(const gr_checkpoint *c, const gr_dataset *data, const char *split,
                               int threads, gradus_calibration *result, gradus_error *err) {
  gr_row_bits bits = {0};
  gr_split_rows rows = {0};
  gr_pass pass = {.n = 0};
  gr_split_id id;
  gr_temperature t = {0};
  gradus_status status = choose(c, data, split, &id, &bits, err);
  if (status == GRADUS_OK)
    status = gr_split_rows_make(&c->model.preprocessing, data, id, true, &rows, err);
  const gr_row_set set = {&bits, true};
  if (status == GRADUS_OK)
    status = gr_split_pass_open(data, id, &rows, bits.n ? &set : NULL, threads, &pass, err);
  if (status == GRADUS_OK) status = fit(&c->model, &pass, threads, &t, err);
  if (status == GRADUS_OK) {
    snprintf(result->rows_of, sizeof result->rows_of, "%s",
             bits.n ? "held out" : gr_split_names[id]);
    result->rows = pass.n;
    result->temperature = t.value;
    result->loss_before = t.before;
    result->loss_after = t.after;
  }
  gr_pass_close(&pass);
  gr_split_rows_free(&rows);
  gr_row_bits_free(&bits);
  return status;
}

static gradus_status check_model(const gr_model *model, const char *path, gradus_error *err) {
  const gr_loss_kind *loss = &gr_losses[model->config.training.loss];
  if (loss->output == GR_OUTPUT_PROBABILITY) return GRADUS_OK;
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: was trained with training.loss %s; only probabilities (cross-entropy, focal) "
                 "can be calibrated",
                 path, loss->name);
}

gradus_status gradus_model_calibrate(const char *path, const gradus_dataset *dataset,
                                     const char *split, int threads, gradus_calibration *out,
                                     gradus_error *err) {
  gradus_calibration result;
  GR_API_NEED(path, "path");
  GR_API_NEED(dataset, "dataset");
  GR_API_NEED(out, "out");
  GR_TRY(gr_api_copy_in(&result, sizeof result, out, out->struct_size, "gradus_calibration", err));
  result = (gradus_calibration){.struct_size = sizeof result};
  if (threads < 0) return gr_fail(err, GRADUS_ERR_USAGE, "threads is %d, 0 means auto", threads);
  gr_checkpoint checkpoint = {0};
  GR_TRY(gr_api_read_model(path, &checkpoint, result.path, err));
  const unsigned environment = gr_environment_enter();
  gradus_status status = check_model(&checkpoint.model, result.path, err);
  if (status == GRADUS_OK)
    status = calibrate(&checkpoint, &dataset->data, split, threads, &result, err);
  if (status == GRADUS_OK) {
    checkpoint.model.preprocessing.temperature = result.temperature;
    status = gr_checkpoint_write(&checkpoint, result.path, err);
  }
  gr_environment_leave(environment);
  gr_checkpoint_free(&checkpoint);
  if (status == GRADUS_OK) gr_api_copy_out(out, out->struct_size, &result, sizeof result);
  return status;
}
