/* Time, for reports and budgets only: nothing that reaches a weight reads a clock. */
#ifndef GR_BASE_CLOCK_H
#define GR_BASE_CLOCK_H

/* Seconds of a monotonic clock with an arbitrary origin. */
double gr_clock_now(void);

/* The local date and time as "2026-01-31T12:00:00+0100"; out needs GR_CLOCK_TEXT bytes. */
#define GR_CLOCK_TEXT 32
void gr_clock_stamp(char *out);

#endif
