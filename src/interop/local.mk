libgradus_internal_la_SOURCES += \
	include/gradus/interop.h \
	%D%/output.h %D%/output.c \
	%D%/predictions.h %D%/predictions.c \
	%D%/input.h %D%/input.c %D%/meter.h %D%/meter.c \
	%D%/number.h %D%/number.c \
	%D%/delimited.h %D%/delimited.c \
	%D%/lines.h %D%/lines.c %D%/libsvm.h %D%/libsvm.c \
	%D%/bad_rows.h %D%/bad_rows.c \
	%D%/transform.h %D%/transform.c \
	%D%/table.h %D%/table.c %D%/table_facts.c \
	%D%/table_judge.h %D%/table_judge.c \
	%D%/table_target.h %D%/table_target.c %D%/table_extras.h %D%/table_extras.c \
	%D%/dense.h %D%/dense.c %D%/npy.h %D%/npy.c %D%/zip.h %D%/zip.c \
	%D%/append.h %D%/append.c %D%/sink.h %D%/sink.c \
	%D%/importer.def.h %D%/import.h %D%/import.c \
	%D%/import_idx.c %D%/import_table.c %D%/table_plan.h %D%/table_columns.c %D%/import_libsvm.c \
	%D%/import_npy.c %D%/import_npz.c %D%/import_hdf5.c
libgradus_internal_la_SOURCES += \
	%D%/generator.def.h %D%/generate.h %D%/generate.c %D%/generate_digits.c
