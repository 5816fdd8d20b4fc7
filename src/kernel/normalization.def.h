/* GR_NORMALIZATION(ID, name, said, vectors, trained): what stands between the weighted input of a
 * hidden layer and its outputs, beside its activation; `said` by network.NORMALIZATION, or by
 * network.activation_FORM. `vectors` of one number for each neuron belong to the layer, `trained`
 * of them, the first ones, change by gradients; their names: gr_vector_name (kernel/kinds.c). What
 * each does stands in kernel/normalize.c and kernel/parametric.c. */
GR_NORMALIZATION(NONE, "none", NORMALIZATION, 1, 1)
GR_NORMALIZATION(LAYER, "layer-norm", NORMALIZATION, 3, 3)
GR_NORMALIZATION(BATCH, "batch-norm", NORMALIZATION, 5, 3)
GR_NORMALIZATION(PARAMETRIC, "parametric", FORM, 2, 2)
