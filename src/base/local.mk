libgradus_internal_la_SOURCES += \
	include/gradus/status.h %D%/status.def.h %D%/status.h %D%/status.c \
	%D%/memory.h %D%/memory.c \
	%D%/arena.h %D%/tree.h %D%/arena.c \
	%D%/text.h %D%/text.c \
	%D%/file.h %D%/file.c \
	%D%/sysfile.h %D%/sysfile.c \
	%D%/cgroup.h %D%/cgroup.c \
	%D%/cpu.h %D%/cpu.c \
	%D%/clock.h %D%/clock.c \
	%D%/log.h %D%/log.c \
	%D%/dtype.h \
	%D%/elementary.h %D%/elementary.c \
	%D%/philox.h %D%/philox.c \
	%D%/permutation.h %D%/permutation.c \
	%D%/dictionary.h %D%/dictionary.c
