/* Every program has its own names for inputs, targets and splits. A layout is a row of patterns in
 * which '*' stands for the word for a split; the row that finds both inputs and targets wins, then
 * one that finds inputs alone. New conventions are new rows. */
#include <config.h>

#include "store/dataset_layout.h"

#include <stdio.h>
#include <string.h>

enum { MAX_WORDS = 4 };

/* First the words that our own layout uses. */
static const char *const words[GR_N_SPLITS][MAX_WORDS] = {
    [GR_TRAIN] = {"train", "training", NULL},
    [GR_VALID] = {"valid", "val", "validation", NULL},
    [GR_TEST] = {"test", "testing", NULL},
};

/* Without '*' a row speaks of the training split. */
static const struct row {
  const char *name, *x, *y, *weight, *offset;
} rows[] = {
    {"gradus", "*/x", "*/y", "*/weight", "*/offset"},
    {"keras", "x_*", "y_*", "sample_weight_*", "offset_*"},
    {"keras", "X_*", "y_*", "sample_weight_*", "offset_*"},
    {"keras", "*_x", "*_y", "*_weight", "*_offset"},
    {"groups", "*/data", "*/label", "*/weight", "*/offset"},
    {"groups", "*/data", "*/labels", "*/weight", "*/offset"},
    {"groups", "*/X", "*/y", "*/weight", "*/offset"},
    {"groups", "*/images", "*/labels", "*/weight", "*/offset"},
    {"groups", "*/features", "*/labels", "*/weight", "*/offset"},
    {"groups", "*/features", "*/targets", "*/weight", "*/offset"},
    {"caffe", "data", "label", "sample_weight", "offset"},
    {"caffe", "data", "labels", "sample_weight", "offset"},
    {"x/y", "X", "y", "sample_weight", "offset"},
    {"x/y", "x", "y", "sample_weight", "offset"},
    {"x/y", "X", "Y", "sample_weight", "offset"},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

/* Puts `word` in the place of '*' and looks; out is "" where nothing is there. */
static gradus_status probe(const gr_h5_file *file, const char *pattern, const char *word,
                           char out[GR_H5_PATH], gradus_error *err) {
  const char *star = strchr(pattern, '*');
  int before = (int)(star ? star - pattern : (long)strlen(pattern));
  bool found;
  snprintf(out, GR_H5_PATH, "/%.*s%s%s", before, pattern, star ? word : "", star ? star + 1 : "");
  GR_TRY(gr_h5_find(file, out, NULL, &found, err));
  if (!found) out[0] = '\0';
  return GRADUS_OK;
}

/* The first word of the split under which the inputs are found. */
static gradus_status probe_split(const gr_h5_file *file, const struct row *row, int split,
                                 gr_paths *out, gradus_error *err) {
  *out = (gr_paths){.x = ""};
  if (!strchr(row->x, '*') && split != GR_TRAIN) return GRADUS_OK;
  for (const char *const *word = words[split]; *word; word++) {
    GR_TRY(probe(file, row->x, *word, out->x, err));
    if (!out->x[0]) continue;
    GR_TRY(probe(file, row->y, *word, out->y, err));
    GR_TRY(probe(file, row->weight, *word, out->weight, err));
    return probe(file, row->offset, *word, out->offset, err);
  }
  return GRADUS_OK;
}

/* How well a row fits: 0 not at all, 1 inputs alone, 2 inputs and targets. */
static gradus_status try_row(const gr_h5_file *file, const struct row *row, gr_layout *out,
                             int *fit, gradus_error *err) {
  *fit = 0;
  out->name = row->name;
  for (int s = 0; s < GR_N_SPLITS; s++) {
    GR_TRY(probe_split(file, row, s, &out->split[s], err));
    int here = out->split[s].x[0] ? (out->split[s].y[0] ? 2 : 1) : 0;
    if (here > *fit) *fit = here;
  }
  return GRADUS_OK;
}

static gradus_status find_row(const gr_h5_file *file, gr_layout *out, gradus_error *err) {
  char content[300];
  int fit;
  for (int wanted = 2; wanted >= 1; wanted--)
    for (size_t i = 0; i < N_ROWS; i++) {
      GR_TRY(try_row(file, &rows[i], out, &fit, err));
      if (fit >= wanted) return GRADUS_OK;
    }
  gr_h5_list_root(file, content, sizeof content);
  return gr_fail(err, GRADUS_ERR_DATA,
                 "%s: no inputs where they are looked for (/train/x, /x_train, /data, /X ...); the "
                 "file holds: %s; name them with --x and --y",
                 file->path, content[0] ? content : "nothing");
}

static gradus_status set_path(const gr_h5_file *file, const char *from, char to[GR_H5_PATH],
                              gradus_error *err) {
  int n = snprintf(to, GR_H5_PATH, "%s", from);
  if (n < 0 || n >= GR_H5_PATH)
    return gr_fail(err, GRADUS_ERR_USAGE, "%s: the path inside the file is too long", file->path);
  return GRADUS_OK;
}

gradus_status gr_layout_find(const gr_h5_file *file, const gr_dataset_options *options,
                             gr_layout *out, gradus_error *err) {
  const char *x = options ? options->x : NULL, *y = options ? options->y : NULL;
  *out = (gr_layout){.name = "paths"};
  if (!x) {
    GR_TRY(find_row(file, out, err));
    if (!y) return GRADUS_OK;
    if (!out->split[GR_TRAIN].x[0] || out->split[GR_VALID].x[0] || out->split[GR_TEST].x[0])
      return gr_fail(err, GRADUS_ERR_USAGE, "%s: has several splits, so --y needs --x", file->path);
  } else {
    GR_TRY(set_path(file, x, out->split[GR_TRAIN].x, err));
  }
  out->name = "paths";
  return y ? set_path(file, y, out->split[GR_TRAIN].y, err) : GRADUS_OK;
}
