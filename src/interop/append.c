/* Whatever the importer took for granted is compared here once more, for all formats alike. */
#include <config.h>

#include "interop/append.h"

#include <string.h>

static gradus_status differ(const gr_dataset *old, const char *split, const char *what,
                            const char *have, const char *new, gradus_error *err) {
  return gr_fail(err, GRADUS_ERR_DATA, "%s: %s of %s are %s there, but the new rows have %s",
                 old->path, what, split, have, new);
}

static gradus_status fit_split(const gr_dataset *old, const gr_split *have, const gr_split *new,
                               const char *name, gradus_error *err) {
  if (have->x_type != new->x_type)
    return differ(old, name, "inputs", gr_dtype_name(have->x_type), gr_dtype_name(new->x_type),
                  err);
  if (have->y_columns != new->y_columns)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: rows of %s have %lu targets, the new ones %lu",
                   old->path, name, (unsigned long)have->y_columns, (unsigned long)new->y_columns);
  if (have->y_columns > 0 && have->y_type != new->y_type)
    return differ(old, name, "targets", gr_dtype_name(have->y_type), gr_dtype_name(new->y_type),
                  err);
  if ((have->weight != NULL) != (new->weight != NULL))
    return differ(old, name, "sample weights", have->weight ? "given" : "absent",
                  new->weight ? "some" : "none", err);
  if ((have->offset != NULL) != (new->offset != NULL))
    return differ(old, name, "offsets", have->offset ? "given" : "absent",
                  new->offset ? "some" : "none", err);
  return GRADUS_OK;
}

/* A split that the old file lacks has to be like those it has. */
static const gr_split *like(const gr_dataset *old, int s) {
  const gr_split *first = NULL;
  if (old->split[s].n_rows > 0) return &old->split[s];
  for (int i = 0; i < GR_N_SPLITS && !first; i++)
    if (old->split[i].n_rows > 0) first = &old->split[i];
  return first;
}

static gradus_status fit_names(const gr_dataset *old, const gr_dataset *shape, gradus_error *err) {
  for (uint32_t j = 0; old->feature_names && shape->feature_names && j < old->n_columns; j++)
    if (strcmp(old->feature_names[j], shape->feature_names[j]) != 0)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: column %lu is '%s', that of the new rows '%s'",
                     old->path, (unsigned long)j + 1, old->feature_names[j],
                     shape->feature_names[j]);
  if (shape->class_names && !old->class_names)
    return gr_fail(err, GRADUS_ERR_DATA,
                   "%s: its classes have no names, those of the new rows have", old->path);
  for (uint32_t i = 0; shape->class_names && i < old->n_class_names; i++)
    if (i >= shape->n_class_names || strcmp(old->class_names[i], shape->class_names[i]) != 0)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: class %lu is '%s', that of the new rows '%s'",
                     old->path, (unsigned long)i, old->class_names[i],
                     i < shape->n_class_names ? shape->class_names[i] : "");
  for (uint32_t j = 0; old->columns && shape->columns && j < old->n_columns; j++)
    if (old->columns[j].kind != shape->columns[j].kind)
      return gr_fail(err, GRADUS_ERR_DATA, "%s: column '%s' is of another kind in the new rows",
                     old->path, old->columns[j].name);
  return GRADUS_OK;
}

gradus_status gr_append_fit(const gr_dataset *old, gr_dataset *shape, gradus_error *err) {
  if (old->n_columns != shape->n_columns)
    return gr_fail(err, GRADUS_ERR_DATA, "%s: has %lu columns, the new rows have %lu", old->path,
                   (unsigned long)old->n_columns, (unsigned long)shape->n_columns);
  for (int s = 0; s < GR_N_SPLITS; s++)
    if (shape->split[s].n_rows > 0)
      GR_TRY(fit_split(old, like(old, s), &shape->split[s], gr_split_names[s], err));
  GR_TRY(fit_names(old, shape, err));
  return gr_dataset_copy_names(shape, old) ? GRADUS_OK : gr_fail_memory(err, "names");
}
