/* Checkpoints. Byte by byte changed: noticed by the seal. Their objects exchanged for others and
 * sealed anew: refused in words, or read as something that makes sense. The first byte chooses. */
#include <config.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/checkpoint_input.h"
#include "fuzz/fuzz.h"
#include "fuzz/h5_input.h"
#include "store/checkpoint.h"
#include "store/seal.h"

enum { MAX_EDITS = 8 };

static const char *const paths[] = {"/recipe",
                                    "/model/layer_1/weights",
                                    "/model/layer_1/bias",
                                    "/model/layer_3/bias",
                                    "/preprocessing/shift",
                                    "/preprocessing/factor",
                                    "/preprocessing/class_names",
                                    "/preprocessing/class_values",
                                    "/preprocessing/feature_names",
                                    "/preprocessing/target_shift",
                                    "/preprocessing/target_scale",
                                    "/optimizer/layer_1/weights_moment1",
                                    "/optimizer/layer_2/bias_moment2",
                                    "/history/epoch",
                                    "/history/step",
                                    "/history/train_loss",
                                    "/history/accuracy",
                                    "/best/layer_1/weights",
                                    "/best",
                                    "/state",
                                    "/model"};
enum { N_PATHS = sizeof paths / sizeof paths[0] };

static const char *const attributes[][2] = {
    {"/", "gradus_format"},     {"/", "format_version"},         {"/state", "step"},
    {"/state", "epoch"},        {"/state", "position"},          {"/state", "best_loss"},
    {"/state", "finished"},     {"/state", "has_best"},          {"/state", "dataset_digest"},
    {"/state", "wall_seconds"}, {"/history", "metrics"},         {"/optimizer", "moments"},
    {"/preprocessing", "task"}, {"/model/layer_1", "activation"}};
enum { N_ATTRIBUTES = sizeof attributes / sizeof attributes[0] };

static void check_failure(gradus_status status, const gradus_error *err) {
  GR_FUZZ_REQUIRE(status == GRADUS_ERR_DATA || status == GRADUS_ERR_DAMAGED ||
                  status == GRADUS_ERR_RESOURCES);
  GR_FUZZ_REQUIRE(err->message[0] && !strchr(err->message, '\n'));
}

/* ---- damage ---- */

static void damage(gr_fuzz_input *in, const uint8_t *base, size_t n) {
  gradus_error err = {0};
  gr_checkpoint c;
  uint8_t *bytes = malloc(n);
  GR_FUZZ_REQUIRE(bytes);
  memcpy(bytes, base, n);
  size_t length = n;
  if (gr_fuzz_byte(in) & 1) length = n - (1 + gr_fuzz_byte(in) + 256u * gr_fuzz_byte(in)) % n;
  while (in->n > 0) {
    size_t at = gr_fuzz_byte(in) + 256u * gr_fuzz_byte(in);
    bytes[at % n] ^= gr_fuzz_byte(in);
  }
  bool same = length == n && memcmp(bytes, base, n) == 0;
  const char *path = gr_fuzz_file(0, bytes, length);
  gradus_status status = gr_checkpoint_read(path, &c, &err);
  GR_FUZZ_REQUIRE((status == GRADUS_OK) == same);
  if (!same) check_failure(status, &err);
  gr_checkpoint_free(&c);
  free(bytes);
}

/* ---- edits ---- */

static void put_recipe(gr_fuzz_input *in, hid_t file) {
  char text[512] = "";
  size_t n = 0, wanted = 2u * gr_fuzz_byte(in);
  while (n < wanted && in->n > 0) text[n++] = (char)gr_fuzz_byte(in);
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  (void)H5Tset_size(type, n ? n : 1);
  (void)H5Ldelete(file, "/recipe", H5P_DEFAULT);
  hid_t set = H5Dcreate2(file, "/recipe", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  if (set >= 0) (void)H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text);
  if (set >= 0) H5Dclose(set);
  H5Sclose(space);
  H5Tclose(type);
}

static void edit(gr_fuzz_input *in, hid_t file) {
  uint8_t byte = gr_fuzz_byte(in);
  const char *path = paths[gr_fuzz_byte(in) % N_PATHS];
  const char *const *attribute = attributes[byte / 8 % N_ATTRIBUTES];
  switch (byte % 8) {
    case 0:
    case 1:
      gr_fuzz_put(in, file, path);
      break;
    case 2:
    case 3:
      gr_fuzz_put_attribute(in, file, attribute[0], attribute[1]);
      break;
    case 4:
      (void)H5Ldelete(file, path, H5P_DEFAULT);
      break;
    case 5:
      put_recipe(in, file);
      break;
    case 6:
      (void)H5Ldelete(file, path, H5P_DEFAULT);
      (void)H5Lcreate_soft(paths[gr_fuzz_byte(in) % N_PATHS], file, path, H5P_DEFAULT, H5P_DEFAULT);
      break;
    default:
      (void)H5Adelete_by_name(file, attribute[0], attribute[1], H5P_DEFAULT);
  }
}

static void check_sense(const gr_checkpoint *c) {
  const gr_network *network = &c->model.network;
  const gr_preprocessing *p = &c->model.preprocessing;
  GR_FUZZ_REQUIRE(network->n_layers > 0 && network->n_parameters > 0 && c->model.parameters);
  GR_FUZZ_REQUIRE(p->n_inputs == network->layer[0].n_in);
  for (uint32_t j = 0; j < p->n_inputs; j++)
    GR_FUZZ_REQUIRE(isfinite(p->shift[j]) && isfinite(p->factor[j]));
  for (uint32_t k = 1; p->class_values && k < p->n_classes; k++)
    GR_FUZZ_REQUIRE(p->class_values[k] > p->class_values[k - 1]);
  for (uint32_t m = 0; m < c->n_moments; m++) GR_FUZZ_REQUIRE(c->moment[m]);
}

static void edit_all(gr_fuzz_input *in, const uint8_t *base, size_t n) {
  gradus_error err = {0};
  gr_checkpoint c;
  const char *path = gr_fuzz_disk_file(base, n);
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  GR_FUZZ_REQUIRE(file >= 0);
  for (int i = 0; i < MAX_EDITS && in->n > 0; i++) edit(in, file);
  GR_FUZZ_REQUIRE(H5Fclose(file) >= 0);
  GR_FUZZ_REQUIRE(gr_seal_write(path, path, 7, &err) == GRADUS_OK);
  gradus_status status = gr_checkpoint_read(path, &c, &err);
  if (status == GRADUS_OK)
    check_sense(&c);
  else
    check_failure(status, &err);
  gr_checkpoint_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gr_fuzz_input in = {data, size};
  size_t n;
  gr_fuzz_prepare_hdf5();
  uint8_t options = gr_fuzz_byte(&in);
  const uint8_t *base = gr_fuzz_checkpoint(options >> 1 & 1, &n);
  if (options & 1)
    damage(&in, base, n);
  else
    edit_all(&in, base, n);
  return 0;
}
