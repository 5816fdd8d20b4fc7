libgradus_internal_la_SOURCES += %D%/activation.def.h %D%/loss.def.h %D%/optimizer.def.h %D%/kinds.h %D%/kinds.c
