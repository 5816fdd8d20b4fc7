libgradus_internal_la_SOURCES += \
	include/gradus/interop.h \
	%D%/output.h %D%/output.c \
	%D%/predictions.h %D%/predictions.c \
	%D%/bytes.h %D%/bytes.c \
	%D%/number.h %D%/number.c \
	%D%/delimited.h %D%/delimited.c \
	%D%/transform.h %D%/transform.c \
	%D%/table.h %D%/table.c \
	%D%/table_target.h %D%/table_target.c \
	%D%/importer.def.h %D%/import.h %D%/import.c \
	%D%/import_idx.c %D%/import_table.c
libgradus_internal_la_SOURCES += \
	%D%/generator.def.h %D%/generate.h %D%/generate.c %D%/generate_digits.c
