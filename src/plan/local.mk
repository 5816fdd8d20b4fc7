libgradus_internal_la_SOURCES += %D%/lanes.h %D%/lanes.c %D%/plan.h %D%/plan.c %D%/traffic.h %D%/traffic.c
