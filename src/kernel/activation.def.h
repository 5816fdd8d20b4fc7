/* GR_ACTIVATION(ID, name, hidden, relu_family): `hidden` = usable in hidden layers; the relu family
 * is initialised by He's rule. Value and derivative of each stand in kernel/activation.h;
 * derivatives are taken from the output a = f(z). */
GR_ACTIVATION(IDENTITY, "identity", 1, 0)
GR_ACTIVATION(SIGMOID, "sigmoid", 1, 0)
GR_ACTIVATION(TANH, "tanh", 1, 0)
GR_ACTIVATION(RELU, "relu", 1, 1)
GR_ACTIVATION(SOFTMAX, "softmax", 0, 0)
