libgradus_internal_la_SOURCES += \
	%D%/classes.h %D%/classes.c \
	%D%/resolve.h %D%/resolve.c \
	%D%/sortedness.h %D%/sortedness.c %D%/pass.h %D%/pass.c %D%/split_rows.h %D%/split_rows.c %D%/prepare.h %D%/prepare.c %D%/targets.h %D%/targets.c %D%/table.h %D%/table.c %D%/weights.h %D%/weights.c %D%/sample.h %D%/sample.c %D%/probe.h %D%/probe.c %D%/attribution.h %D%/attribution.c %D%/importance.h %D%/importance.c %D%/temperature.h %D%/temperature.c \
	%D%/metrics.h %D%/metrics.c %D%/stopping.h %D%/stopping.c %D%/ranks.h %D%/ranks.c %D%/scores.h %D%/scores.c \
	%D%/random_data.h %D%/random_data.c %D%/steps.h %D%/steps.c %D%/range.h %D%/range.c \
	%D%/environment.h %D%/files.h %D%/files.c \
	%D%/run_directory.h %D%/run_directory.c %D%/run_records.c \
	%D%/run_log.h %D%/run_log.c %D%/lock.h %D%/lock.c \
	%D%/writer.h %D%/writer.c %D%/snapshot.h %D%/snapshot.c %D%/deadline.h %D%/deadline.c \
	%D%/trainer.h %D%/trainer_internal.h %D%/trainer.c %D%/trainer_start.c %D%/trainer_report.c %D%/trainer_save.c %D%/trainer_search.c %D%/trainer_nonfinite.c %D%/trainer_data.c %D%/trainer_audit.c \
	%D%/bad_batch.h %D%/bad_batch.c
