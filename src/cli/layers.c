/* gradus inspect --layers: the table of layers, as text or JSON. */
#include <config.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/inspect.h"
#include "cli/number.h"
#include "cli/output.h"
#include <gradus/gradus.h>

/* Gains and shifts, where any layer is normalised. */
static void put_vectors(const gradus_layers *t) {
  bool any = false;
  for (uint32_t l = 0; l < t->n; l++) {
    const gradus_layer *layer = &t->layer[l];
    const double values[] = {layer->gain_rms, layer->gain_gradient_rms, layer->shift_rms,
                             layer->shift_gradient_rms};
    char name[24];
    if (isnan(layer->gain_rms)) continue;
    if (!any)
      puts("  normalised                gain rms  gradient rms     shift rms  gradient rms");
    any = true;
    snprintf(name, sizeof name, "%lu", (unsigned long)l + 1);
    printf("  %-20s", name);
    for (size_t k = 0; k < 4; k++) {
      char number[GR_NUMBER_TEXT];
      printf("%s%12s", "  ", gr_number_rounded(number, values[k]));
    }
    puts("");
  }
}

static void put_text(const gradus_layers *t) {
  gr_cli_put(stdout, t->path);
  printf(", step %llu, on %llu rows of %s:\n", (unsigned long long)t->step,
         (unsigned long long)t->rows, t->split);
  puts(
      "  layer                 activation    weights rms  gradient rms  update/weight  dead units");
  for (uint32_t l = 0; l < t->n; l++) {
    const gradus_layer *layer = &t->layer[l];
    char name[48], weight[GR_NUMBER_TEXT], gradient[GR_NUMBER_TEXT], ratio[GR_NUMBER_TEXT];
    snprintf(name, sizeof name, "%lu: %lu -> %lu", (unsigned long)l + 1,
             (unsigned long)layer->inputs, (unsigned long)layer->outputs);
    printf("  %-20s  %-12s %12s  %12s  %13s  %lu of %lu\n", name, layer->activation,
           gr_number_rounded(weight, layer->weight_rms),
           gr_number_rounded(gradient, layer->gradient_rms),
           gr_number_rounded(ratio, layer->update_ratio), (unsigned long)layer->dead,
           (unsigned long)layer->outputs);
  }
  put_vectors(t);
}

static void put_json(const gradus_layers *t) {
  gr_json json = {0};
  gr_json_open(&json, NULL, '{');
  gr_json_text(&json, "path", t->path);
  gr_json_count(&json, "step", t->step);
  gr_json_text(&json, "split", t->split);
  gr_json_count(&json, "rows", t->rows);
  gr_json_open(&json, "layers", '[');
  for (uint32_t l = 0; l < t->n; l++) {
    const gradus_layer *layer = &t->layer[l];
    gr_json_open(&json, NULL, '{');
    gr_json_count(&json, "inputs", layer->inputs);
    gr_json_count(&json, "outputs", layer->outputs);
    gr_json_text(&json, "activation", layer->activation);
    gr_json_real(&json, "weight_rms", layer->weight_rms);
    gr_json_real(&json, "bias_rms", layer->bias_rms);
    gr_json_real(&json, "gradient_rms", layer->gradient_rms);
    gr_json_real(&json, "update_ratio", layer->update_ratio);
    gr_json_count(&json, "dead", layer->dead);
    gr_json_real(&json, "gain_rms", layer->gain_rms);
    gr_json_real(&json, "shift_rms", layer->shift_rms);
    gr_json_real(&json, "gain_gradient_rms", layer->gain_gradient_rms);
    gr_json_real(&json, "shift_gradient_rms", layer->shift_gradient_rms);
    gr_json_close(&json, '}');
  }
  gr_json_close(&json, ']');
  gr_json_close(&json, '}');
  gr_json_end(&json);
}

gradus_status gr_inspect_layers(const char *path, const char *data, const char *split, int json,
                                gradus_error *err) {
  gradus_model *model = NULL; /* knows the columns of a table */
  gradus_dataset *dataset = NULL;
  gradus_layers layers = {.struct_size = sizeof layers};
  gradus_status status = gradus_model_load(path, &model, err);
  if (status == GRADUS_OK) status = gradus_model_open_data(model, &data, 1, NULL, &dataset, err);
  if (status == GRADUS_OK) status = gradus_inspect_layers(path, dataset, split, 0, &layers, err);
  if (status == GRADUS_OK) (json ? put_json : put_text)(&layers);
  gradus_layers_free(&layers);
  gradus_model_destroy(model);
  gradus_dataset_close(dataset);
  return status;
}
