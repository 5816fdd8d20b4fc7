/* exp, log, sin and cos in double for what reaches a weight outside the kernels (initial values,
 * schedules, generators): built from correctly rounded operations only, so they give the same bits
 * with every C library. Errors below 2 ulp in the stated ranges. */
#ifndef GR_BASE_ELEMENTARY_H
#define GR_BASE_ELEMENTARY_H

double gr_ln(double x);  /* natural logarithm; x > 0 and finite, else nan or -inf for 0 */
double gr_exp(double x); /* overflows to inf, underflows to 0 below -745 */
double gr_sin(double x); /* |x| <= 1e5 */
double gr_cos(double x); /* |x| <= 1e5 */
double gr_power(double x,
                unsigned long n); /* x^n by binary exponentiation, a fixed order of products */

#endif
