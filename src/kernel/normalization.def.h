/* GR_NORMALIZATION(ID, name, vectors, trained): what stands between the weighted input of a hidden
 * layer and its activation. `vectors` of one number for each neuron belong to the layer, `trained`
 * of them, the first ones, change by gradients; their names: gr_vector_names (kernel/kinds.c). What
 * each does stands in kernel/normalize.c. */
GR_NORMALIZATION(NONE, "none", 1, 1)
GR_NORMALIZATION(LAYER, "layer-norm", 3, 3)
GR_NORMALIZATION(BATCH, "batch-norm", 5, 3)
