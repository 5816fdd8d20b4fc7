/* gradus_inspect: what is in a data set, a checkpoint or a run directory. A description is a tree
 * of named values that is written once, as indented text or as JSON, by the same calls. */
#include <config.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/curves.h"
#include "api/internal.h"
#include "gradus/checkpoint.h"
#include "net/columns.h"
#include "net/network.h"

/* The tree being written. */
struct page {
  gr_text text;
  bool json, first;
  int depth;
};

static void begin_value(struct page *p, const char *name) {
  if (p->json) {
    gr_text_puts(&p->text, p->first ? "" : ",");
    if (name) {
      gr_text_put_json(&p->text, name);
      gr_text_puts(&p->text, ":");
    }
  } else {
    for (int i = 0; i < p->depth; i++) gr_text_puts(&p->text, "  ");
    if (name) gr_text_printf(&p->text, "%s: ", name);
  }
  p->first = false;
}

static void end_value(struct page *p) {
  if (!p->json) gr_text_puts(&p->text, "\n");
}

static void put_text(struct page *p, const char *name, const char *value) {
  begin_value(p, name);
  if (p->json)
    gr_text_put_json(&p->text, value);
  else
    gr_text_puts(&p->text, value);
  end_value(p);
}

static void put_count(struct page *p, const char *name, uint64_t value) {
  begin_value(p, name);
  gr_text_printf(&p->text, "%llu", (unsigned long long)value);
  end_value(p);
}

static void put_real(struct page *p, const char *name, double value) {
  begin_value(p, name);
  if (p->json)
    gr_text_put_json_number(&p->text, value);
  else
    gr_text_put_double(&p->text, value);
  end_value(p);
}

static void put_flag(struct page *p, const char *name, bool value) {
  begin_value(p, name);
  gr_text_puts(&p->text, value ? "true" : "false");
  end_value(p);
}

static void open_group(struct page *p, const char *name, char bracket) {
  if (p->json) {
    begin_value(p, name);
    gr_text_append(&p->text, &bracket, 1);
  } else {
    for (int i = 0; i < p->depth; i++) gr_text_puts(&p->text, "  ");
    gr_text_printf(&p->text, "%s:\n", name ? name : "-");
  }
  p->first = true;
  p->depth++;
}

static void close_group(struct page *p, char bracket) {
  p->depth--;
  p->first = false;
  if (p->json) gr_text_append(&p->text, &bracket, 1);
}

/* At most this many names are shown to people; JSON has them all. */
#define NAMES_SHOWN 16

static void put_names(struct page *p, const char *name, char *const *names, uint32_t n) {
  if (!names || n == 0) return;
  begin_value(p, name);
  gr_text_puts(&p->text, p->json ? "[" : "");
  for (uint32_t i = 0; i < n && (p->json || i < NAMES_SHOWN); i++) {
    gr_text_puts(&p->text, i ? (p->json ? "," : ", ") : "");
    const char *one = names[i] ? names[i] : "";
    if (p->json)
      gr_text_put_json(&p->text, one);
    else
      gr_text_puts(&p->text, one);
  }
  if (!p->json && n > NAMES_SHOWN) gr_text_printf(&p->text, ", ... (%u)", n);
  gr_text_puts(&p->text, p->json ? "]" : "");
  end_value(p);
}

/* ---- data sets ---- */

static void put_split(struct page *p, const gr_dataset *data, int id) {
  const gr_split *split = &data->split[id];
  if (split->n_rows == 0) return;
  open_group(p, gr_split_names[id], '{');
  put_count(p, "rows", split->n_rows);
  put_text(p, "x_type", gr_dtype_name(split->x_type));
  if (split->y_columns > 0) {
    put_text(p, "y_type", data->y_is_text ? "text" : gr_dtype_name(split->y_type));
    put_count(p, "y_columns", split->y_columns);
  }
  put_flag(p, "weights", split->weight != NULL);
  if (split->offset) put_flag(p, "offsets", 1);
  close_group(p, '}');
}

/* An object in JSON; "name: kind" for people, with the levels below. */
static void put_column(struct page *p, const char *name, const gr_column *column) {
  const char *kind = column->kind == GR_COLUMN_NUMERIC ? "numeric" : "categorical";
  if (p->json) {
    open_group(p, NULL, '{');
    put_text(p, "name", name);
    put_text(p, "kind", kind);
    put_names(p, "levels", column->levels, column->n_levels);
    close_group(p, '}');
    return;
  }
  put_text(p, name, kind);
  p->depth++;
  put_names(p, "levels", column->levels, column->n_levels);
  p->depth--;
}

static void put_columns(struct page *p, const gr_dataset *data) {
  if (!data->columns) return;
  open_group(p, "table", '[');
  for (uint32_t j = 0; j < data->n_columns; j++) {
    const gr_column *column = &data->columns[j];
    put_column(p, column->name ? column->name : "", column);
  }
  close_group(p, ']');
}

static void put_dropped(struct page *p, const gr_dataset *data) {
  if (data->target_name) put_text(p, "target", data->target_name);
  if (data->n_dropped == 0) return;
  open_group(p, "dropped", '{');
  for (uint32_t j = 0; j < data->n_dropped; j++)
    put_text(p, data->dropped[j].name, data->dropped[j].reason);
  close_group(p, '}');
}

static void describe_dataset(const char *path, const gr_dataset *data, struct page *p) {
  put_text(p, "kind", "dataset");
  put_text(p, "path", path);
  put_text(p, "layout", data->layout ? data->layout : "");
  put_count(p, "columns", data->n_columns);
  for (int s = 0; s < GR_N_SPLITS; s++) put_split(p, data, s);
  put_names(p, "class_names", data->class_names, data->n_class_names);
  put_names(p, "feature_names", data->feature_names, data->n_columns);
  put_columns(p, data);
  put_dropped(p, data);
  put_text(p, "digest", data->digest);
}

static gradus_status inspect_dataset(const char *path, struct page *p, gradus_error *err) {
  gr_dataset data = {0};
  const gr_dataset_options options = {0};
  GR_TRY(gr_dataset_read(path, &options, &data, err));
  describe_dataset(path, &data, p);
  gr_dataset_free(&data);
  return GRADUS_OK;
}

/* ---- checkpoints ---- */

static void put_network(struct page *p, const gr_model *model) {
  const gr_network *network = &model->network;
  open_group(p, "layers", '[');
  for (uint32_t l = 0; l < network->n_layers; l++) {
    const gr_layer *layer = &network->layer[l];
    const double dropout = layer->dropout ? gr_config_dropout(&model->config, l) : 0;
    if (p->json) {
      open_group(p, NULL, '{');
      put_count(p, "inputs", layer->n_in);
      put_count(p, "outputs", layer->n_out);
      put_text(p, "activation", gr_activations[layer->activation].name);
      if (layer->normalization != GR_NORMALIZATION_NONE)
        put_text(p, gr_normalizations[layer->normalization].said,
                 gr_normalizations[layer->normalization].name);
      if (dropout > 0) put_real(p, "dropout", dropout);
      if (layer->residual > 0) put_count(p, "residual", layer->residual);
      close_group(p, '}');
    } else {
      begin_value(p, NULL);
      gr_text_printf(&p->text, "%u -> %u %s", layer->n_in, layer->n_out,
                     gr_activations[layer->activation].name);
      if (layer->normalization != GR_NORMALIZATION_NONE)
        gr_text_printf(&p->text, ", %s", gr_normalizations[layer->normalization].name);
      if (dropout > 0) {
        gr_text_puts(&p->text, ", dropout ");
        gr_text_put_double(&p->text, dropout);
      }
      if (layer->residual > l) gr_text_puts(&p->text, ", adds the inputs");
      if (layer->residual > 0 && layer->residual <= l)
        gr_text_printf(&p->text, ", adds layer %u", l + 1 - layer->residual);
      end_value(p);
    }
  }
  close_group(p, ']');
  if (network->front.scales) put_flag(p, "input_scales", true);
  put_count(p, "parameters", network->n_parameters);
}

static void put_state(struct page *p, const gr_train_state *s) {
  open_group(p, "state", '{');
  put_count(p, "step", s->step);
  put_count(p, "epoch", s->epoch);
  put_count(p, "position", s->position);
  put_count(p, "samples_seen", s->samples_seen);
  if (s->has_best) {
    put_real(p, "best_loss", s->best_loss);
    put_count(p, "best_epoch", s->best_epoch);
    put_count(p, "best_step", s->best_step);
    put_count(p, "epochs_since_best", s->epochs_since_best);
  }
  put_flag(p, "finished", s->finished);
  put_flag(p, "stopped_early", s->stopped_early);
  put_count(p, "skipped_steps", s->skipped_steps);
  put_count(p, "rollbacks", s->rollbacks);
  put_real(p, "wall_seconds", s->wall_seconds);
  put_text(p, "dataset_digest", s->dataset_digest);
  close_group(p, '}');
}

/* To six digits, for people. */
static void put_short(gr_text *out, double value) {
  double unit = 1;
  if (isfinite(value) && value != 0) {
    while (fabs(value) * unit < 1e5 && unit < 1e15) unit *= 10;
    value = floor(value * unit + 0.5) / unit;
  }
  gr_text_puts(out, "  ");
  gr_text_put_double(out, value);
}

static void put_history_row(struct page *p, const gr_history *h, const gr_history_row *row) {
  open_group(p, NULL, '{');
  put_count(p, "epoch", row->epoch);
  put_count(p, "step", row->step);
  put_real(p, "train_loss", row->train_loss);
  put_real(p, "valid_loss", row->valid_loss);
  for (uint32_t m = 0; m < h->n_metrics; m++) put_real(p, h->metric_names[m], row->metric[m]);
  put_real(p, "learning_rate", row->learning_rate);
  close_group(p, '}');
}

/* The last epochs as a table. */
static void put_history_table(gr_text *out, const gr_history *h) {
  enum { SHOWN = 10 };
  gr_text_puts(out, "  epoch  step  train_loss  valid_loss");
  for (uint32_t m = 0; m < h->n_metrics; m++) gr_text_printf(out, "  %s", h->metric_names[m]);
  gr_text_puts(out, "  learning_rate\n");
  for (size_t r = h->n_rows > SHOWN ? h->n_rows - SHOWN : 0; r < h->n_rows; r++) {
    const gr_history_row *row = &h->row[r];
    gr_text_printf(out, "  %llu  %llu", (unsigned long long)row->epoch,
                   (unsigned long long)row->step);
    put_short(out, row->train_loss);
    put_short(out, row->valid_loss);
    for (uint32_t m = 0; m < h->n_metrics; m++) put_short(out, row->metric[m]);
    put_short(out, row->learning_rate);
    gr_text_puts(out, "\n");
  }
}

/* Every epoch in JSON, the last ones for people. */
static void put_history(struct page *p, const gr_history *h) {
  if (!p->json && h->n_rows == 0) return;
  open_group(p, "history", '[');
  for (size_t r = 0; p->json && r < h->n_rows; r++) put_history_row(p, h, &h->row[r]);
  if (!p->json) put_history_table(&p->text, h);
  if (!p->json) gr_curves_put(h, &p->text);
  close_group(p, ']');
}

/* What changed the course of the run: every event in JSON, the last ones for people. */
static void put_events(struct page *p, const gr_history *h) {
  enum { SHOWN = 10 };
  if (h->n_events == 0) return;
  open_group(p, "events", '[');
  for (size_t i = p->json || h->n_events < SHOWN ? 0 : h->n_events - SHOWN; i < h->n_events; i++) {
    if (p->json) open_group(p, NULL, '{');
    if (p->json) put_count(p, "epoch", h->event[i].epoch);
    if (p->json) put_count(p, "step", h->event[i].step);
    put_text(p, p->json ? "line" : NULL, h->event[i].line);
    if (p->json) close_group(p, '}');
  }
  close_group(p, ']');
}

static void put_recipe(struct page *p, const gr_config *config) {
  gr_text recipe = {0};
  gr_config_write(config, GR_PART_RECIPE, &recipe);
  if (recipe.failed) p->text.failed = true;
  if (p->json) {
    put_text(p, "recipe", recipe.data ? recipe.data : "");
  } else {
    gr_text_puts(&p->text, "recipe:\n");
    for (const char *line = recipe.data; line && *line;) {
      size_t n = strcspn(line, "\n");
      gr_text_printf(&p->text, "  %.*s\n", (int)n, line);
      line += n + (line[n] == '\n');
    }
  }
  gr_text_free(&recipe);
}

/* What becomes of the columns of a table, the dropped ones with their reasons. */
static void put_table(struct page *p, const gr_columns *columns) {
  if (!columns || !columns->column[0].name) return;
  if (columns->target_name) put_text(p, "target", columns->target_name);
  open_group(p, "table", p->json ? '[' : '{');
  for (uint32_t j = 0; j < columns->n + columns->n_left_out; j++) {
    const gr_fitted_column *c = &columns->column[j];
    gr_text line = {0};
    gr_column_describe(c, &line);
    if (line.failed) p->text.failed = true;
    if (p->json) open_group(p, NULL, '{');
    if (p->json) put_text(p, "name", c->name);
    put_text(p, p->json ? "use" : c->name, line.data ? line.data : "");
    put_names(p, p->json ? "levels" : "  levels", c->levels, c->n_levels);
    if (p->json) close_group(p, '}');
    gr_text_free(&line);
  }
  close_group(p, p->json ? ']' : '}');
}

static void put_model(struct page *p, const gr_model *model) {
  const gr_preprocessing *pre = &model->preprocessing;
  put_text(p, "task", gr_key_find("data.task")->choices[pre->task]);
  put_network(p, model);
  if (pre->temperature > 0) put_real(p, "temperature", pre->temperature);
  put_names(p, "class_names", pre->class_names, pre->n_classes);
  put_names(p, "feature_names", pre->feature_names, pre->n_inputs);
  if (pre->log_target) put_text(p, "target_transform", "log");
  put_table(p, pre->columns);
  put_text(p, "optimizer", gr_optimizers[model->config.optimizer.name].name);
}

/* `run` (with its directory) is where the run stands, where that is told apart from the model. */
static void put_checkpoint(struct page *p, const gr_checkpoint *model, const gr_checkpoint *run) {
  char digest[GR_DIGEST_TEXT];
  gr_parameters_digest(model->model.parameters, model->model.network.n_parameters, digest);
  put_model(p, &model->model);
  put_state(p, &run->state);
  put_history(p, &run->history);
  put_events(p, &run->history);
  put_recipe(p, &run->model.config);
  put_text(p, "digest", digest);
}

static gradus_status inspect_checkpoint(const char *path, struct page *p, gradus_error *err) {
  gr_checkpoint c = {0};
  GR_TRY(gr_checkpoint_read(path, &c, err));
  put_text(p, "kind", "checkpoint");
  put_text(p, "path", path);
  put_checkpoint(p, &c, &c);
  gr_checkpoint_free(&c);
  return GRADUS_OK;
}

/* The model is the one that eval and predict take; the state is that of the newest checkpoint. */
static gradus_status inspect_run(const char *path, struct page *p, gradus_error *err) {
  gr_checkpoint model = {0}, run = {0};
  char file[4096];
  bool found = false;
  gradus_status status = GRADUS_OK;
  GR_TRY(gr_api_read_model(path, &model, file, err));
  GR_TRY_ELSE(done, gr_api_read_state(path, &run, &found, err));
  put_text(p, "kind", "run");
  put_text(p, "path", path);
  put_text(p, "model", file);
  put_checkpoint(p, &model, found ? &run : &model);
done:
  gr_checkpoint_free(&run);
  gr_checkpoint_free(&model);
  return status;
}

gradus_status gradus_inspect(const char *path, int json, char **out, gradus_error *err) {
  struct page page = {.json = json != 0, .first = true};
  gr_api_kind kind;
  GR_API_NEED(out, "out");
  *out = NULL;
  GR_API_NEED(path, "path");
  GR_TRY(gr_api_kind_of(path, &kind, err));
  if (page.json) gr_text_puts(&page.text, "{");
  static gradus_status (*const inspect[])(const char *, struct page *, gradus_error *) = {
      [GR_API_DATASET] = inspect_dataset,
      [GR_API_CHECKPOINT] = inspect_checkpoint,
      [GR_API_RUN] = inspect_run};
  gradus_status status = inspect[kind](path, &page, err);
  if (status != GRADUS_OK) {
    gr_text_free(&page.text);
    return status;
  }
  if (page.json) gr_text_puts(&page.text, "}\n");
  return gr_api_give_text(&page.text, out, err);
}

gradus_status gr_api_describe_dataset(const gr_dataset *data, const char *path, bool json,
                                      char **out, gradus_error *err) {
  struct page page = {.json = json, .first = true};
  if (page.json) gr_text_puts(&page.text, "{");
  describe_dataset(path, data, &page);
  if (page.json) gr_text_puts(&page.text, "}\n");
  return gr_api_give_text(&page.text, out, err);
}
