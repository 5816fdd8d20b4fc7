/* GR_ACTIVATION(ID, name, hidden, spread, from_input): `hidden` = usable in hidden layers (others
 * stand behind the last one); `spread` of the initial weights that suits it: AVERAGE (Glorot), RELU
 * (He), INPUTS (LeCun). Value and slope of each stand in kernel/activation.h; from_input = the
 * slope cannot be taken from the output a = f(z), so that forward keeps it for the data gradient.
 */
GR_ACTIVATION(IDENTITY, "identity", 1, AVERAGE, 0)
GR_ACTIVATION(SIGMOID, "sigmoid", 1, AVERAGE, 0)
GR_ACTIVATION(TANH, "tanh", 1, AVERAGE, 0)
GR_ACTIVATION(RELU, "relu", 1, RELU, 0)
GR_ACTIVATION(SOFTMAX, "softmax", 0, AVERAGE, 0)
GR_ACTIVATION(LEAKY_RELU, "leaky-relu", 1, RELU, 0)
GR_ACTIVATION(ELU, "elu", 1, RELU, 0)
GR_ACTIVATION(SELU, "selu", 1, INPUTS, 0)
GR_ACTIVATION(GELU, "gelu", 1, RELU, 1)
GR_ACTIVATION(GELU_TANH, "gelu-tanh", 1, RELU, 1)
GR_ACTIVATION(SILU, "silu", 1, RELU, 1)
GR_ACTIVATION(MISH, "mish", 1, RELU, 1)
GR_ACTIVATION(SOFTPLUS, "softplus", 1, RELU, 1)
GR_ACTIVATION(SOFTSIGN, "softsign", 1, AVERAGE, 0)
GR_ACTIVATION(HARD_SIGMOID, "hard-sigmoid", 1, AVERAGE, 0)
GR_ACTIVATION(HARD_TANH, "hard-tanh", 1, AVERAGE, 0)
GR_ACTIVATION(EXPONENTIAL, "exponential", 0, AVERAGE, 0)
