# The program: sees the installed headers only.
bin_PROGRAMS += gradus
gradus_SOURCES = %D%/main.c $(gradus_program)
gradus_program = %D%/command.def.h %D%/options.h %D%/options.c %D%/help.c \
	%D%/nearest.h %D%/nearest.c %D%/number.h %D%/number.c %D%/output.h %D%/output.c \
	%D%/progress.h %D%/progress.c %D%/signals.h %D%/signals.c \
	%D%/evaluation.h %D%/evaluation.c %D%/recipe.h %D%/recipe.c %D%/bench.h %D%/bench.c %D%/inspect.h %D%/layers.c %D%/source.h %D%/source.c \
	%D%/cmd_train.c %D%/cmd_eval.c %D%/cmd_predict.c %D%/cmd_calibrate.c %D%/cmd_importance.c %D%/cmd_import.c %D%/cmd_generate.c \
	%D%/cmd_inspect.c %D%/cmd_seal.c %D%/cmd_stop.c %D%/time_limit.h %D%/time_limit.c %D%/cmd_bench.c %D%/cmd_doctor.c
gradus_LDADD = libgradus.la -lm
dist_man_MANS += man/gradus.1
