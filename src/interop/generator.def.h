/* One row per generated kind: GR_GENERATOR(name, help, columns, x type, y type, train rows, valid
 * rows, test rows, noise, feature prefix, draw). Noise is in the units that `help` names. */
GR_GENERATOR("digits",
             "28x28 images of the digits 0 to 9, drawn with random strokes, slants and shifts; 10 "
             "classes (noise: of a pixel, in units of full black)",
             784, GR_U8, GR_U8, 20000, 0, 4000, 0.08, NULL, gr_draw_digit)
GR_GENERATOR(
    "spirals",
    "two interleaved spirals in the plane; 2 classes (noise: of a coordinate; the radius is 1)", 2,
    GR_F32, GR_U8, 4000, 0, 1000, 0.02, "x", gr_draw_spirals)
GR_GENERATOR(
    "friedman1",
    "regression on 10 uniform inputs of which 5 matter: 10 sin(pi x1 x2) + 20 (x3 - 1/2)^2 "
    "+ 10 x4 + 5 x5 (noise: added to it)",
    10, GR_F32, GR_F32, 8000, 0, 2000, 1.0, "x", gr_draw_friedman1)
