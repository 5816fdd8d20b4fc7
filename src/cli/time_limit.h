/* How long a training may take: by the command line, else by the job it runs in. */
#ifndef GR_CLI_TIME_LIMIT_H
#define GR_CLI_TIME_LIMIT_H

/* Seconds of a monotonic clock, for `begun` below. */
double gr_time_now(void);

/* What is left now for gradus_trainer_options.time_limit; 0 = no limit. `option`: --time-limit,
 * counted from `begun`; 0 = not given: then until SLURM_JOB_END_TIME (seconds since 1970, set by
 * Slurm), where that is set and not over, which is said on standard error unless `quiet`. */
double gr_time_limit(double option, double begun, int quiet);

#endif
