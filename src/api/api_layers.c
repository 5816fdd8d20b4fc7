/* gradus_inspect_layers: finds the checkpoint and the rows, calls down. */
#include <config.h>

#include <stdio.h>

#include "api/internal.h"
#include "api/model.h"
#include "base/memory.h"
#include "kernel/kinds.h"
#include "train/environment.h"
#include "train/probe.h"
#include "train/weights.h"

/* The state of training: of a run the newest checkpoint, else its model. */
static gradus_status read_state(const char *path, gr_checkpoint *out, char *file,
                                gradus_error *err) {
  gr_api_kind kind;
  bool found = false;
  GR_TRY(gr_api_kind_of(path, &kind, err));
  if (kind == GR_API_DATASET)
    return gr_fail(err, GRADUS_ERR_USAGE, "%s: is a data set; a model or a run was expected", path);
  snprintf(file, 4096, "%s", path);
  if (kind == GR_API_RUN) GR_TRY(gr_api_read_state(path, out, &found, err));
  return found ? GRADUS_OK : gr_api_read_model(path, out, file, err);
}

static gradus_status give(const gr_checkpoint *c, const gr_layer_probe *probe, gradus_layers *out,
                          gradus_error *err) {
  const gr_network *network = &c->model.network;
  out->layer = gr_calloc(network->n_layers, sizeof *out->layer);
  if (!out->layer) return gr_fail_memory(err, "layers");
  out->n = network->n_layers;
  out->step = c->state.step;
  for (uint32_t l = 0; l < out->n; l++) {
    gradus_layer *layer = &out->layer[l];
    *layer = (gradus_layer){.inputs = probe[l].n_in,
                            .outputs = probe[l].n_out,
                            .weight_rms = probe[l].weight_rms,
                            .bias_rms = probe[l].bias_rms,
                            .gradient_rms = probe[l].gradient_rms,
                            .update_ratio = probe[l].update_ratio,
                            .dead = probe[l].dead,
                            .gain_rms = probe[l].gain_rms,
                            .shift_rms = probe[l].shift_rms,
                            .gain_gradient_rms = probe[l].gain_gradient_rms,
                            .shift_gradient_rms = probe[l].shift_gradient_rms};
    snprintf(layer->activation, sizeof layer->activation, "%s",
             gr_activations[network->layer[l].activation].name);
  }
  return GRADUS_OK;
}

static gradus_status look(const gr_checkpoint *c, const gr_dataset *data, const char *split,
                          int threads, gradus_layers *result, gradus_error *err) {
  gr_layer_probe probe[GR_MAX_LAYERS];
  gr_split_id id = GR_TRAIN;
  if (split || data->split[GR_TRAIN].n_rows == 0)
    GR_TRY(gr_api_choose_split(data, split, &id, err));
  GR_TRY(gr_check_offsets(&c->model.config, data, id, err));
  GR_TRY(gr_probe(c, data, id, threads, &result->rows, probe, err));
  snprintf(result->split, sizeof result->split, "%s", gr_split_names[id]);
  return give(c, probe, result, err);
}

gradus_status gradus_inspect_layers(const char *path, const gradus_dataset *dataset,
                                    const char *split, int threads, gradus_layers *out,
                                    gradus_error *err) {
  gradus_layers result;
  GR_API_NEED(path, "path");
  GR_API_NEED(dataset, "dataset");
  GR_API_NEED(out, "out");
  GR_TRY(gr_api_copy_in(&result, sizeof result, out, out->struct_size, "gradus_layers", err));
  if (out->struct_size < sizeof result)
    return gr_fail(err, GRADUS_ERR_USAGE, "gradus_layers: struct_size is too small");
  if (threads < 0) return gr_fail(err, GRADUS_ERR_USAGE, "threads is %d, 0 means auto", threads);
  result = (gradus_layers){.struct_size = sizeof result};
  gr_checkpoint checkpoint = {0};
  GR_TRY(read_state(path, &checkpoint, result.path, err));
  const unsigned environment = gr_environment_enter();
  const gradus_status status = look(&checkpoint, &dataset->data, split, threads, &result, err);
  gr_environment_leave(environment);
  gr_checkpoint_free(&checkpoint);
  if (status != GRADUS_OK) return status;
  gr_api_copy_out(out, out->struct_size, &result, sizeof result);
  return GRADUS_OK;
}

void gradus_layers_free(gradus_layers *layers) {
  if (!layers) return;
  gr_free(layers->layer);
  layers->layer = NULL;
}
