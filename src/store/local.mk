libgradus_internal_la_SOURCES += %D%/aside.h %D%/aside.c %D%/array.h %D%/array.c
