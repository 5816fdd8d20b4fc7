libgradus_internal_la_SOURCES += %D%/engine.h %D%/internal.h %D%/engine.c %D%/step.h %D%/step.c %D%/pass.c %D%/gradient.c %D%/whole.c %D%/lbfgs.c %D%/normalize.c %D%/dropout.c %D%/update.c %D%/finite.c %D%/evaluate.c \
	%D%/team.h %D%/team.c %D%/pace.h %D%/pace.c %D%/machine.h %D%/machine.c %D%/phases.h %D%/phases.c %D%/peak.h %D%/peak.c
