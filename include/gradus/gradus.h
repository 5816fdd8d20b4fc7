/* gradus: batch training of dense neural networks on multicore CPUs. This header includes the whole
 * public interface.
 *
 *   gradus_recipe *recipe;
 *   gradus_recipe_create(NULL, &recipe, &err);
 *   gradus_recipe_set(recipe, "network.hidden", "256,128", &err);
 *   gradus_train(recipe, "digits.h5", "runs/digits", &err);
 *   gradus_recipe_destroy(recipe);
 *
 * Every fallible function returns a gradus_status (0 = success), yields results through pointers
 * that it sets last, and takes as its last argument an optional gradus_error that receives one line
 * of explanation. The library keeps no global state, prints nothing and never ends the process.
 * Objects may be used from any thread, each from one at a time. */
#ifndef GRADUS_GRADUS_H
#define GRADUS_GRADUS_H

#include "gradus/checkpoint.h"
#include "gradus/dataset.h"
#include "gradus/interop.h"
#include "gradus/model.h"
#include "gradus/recipe.h"
#include "gradus/run.h"
#include "gradus/status.h"
#include "gradus/trainer.h"
#include "gradus/version.h"

#endif
