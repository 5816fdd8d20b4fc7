libgradus_internal_la_SOURCES += %D%/lanes.h %D%/lanes.c %D%/plan.h %D%/plan.c %D%/internal.h %D%/units.c %D%/residual.c %D%/order.c %D%/machine.h %D%/cost.h %D%/cost.c \
	%D%/traffic.h %D%/traffic.c
