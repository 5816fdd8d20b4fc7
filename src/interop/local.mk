libgradus_internal_la_SOURCES += \
	%D%/output.h %D%/output.c \
	%D%/predictions.h %D%/predictions.c
