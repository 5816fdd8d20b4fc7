# The public library: one file per public header. -version-info is current:revision:age (libtool manual, "Versioning").
lib_LTLIBRARIES += libgradus.la
libgradus_la_SOURCES =
libgradus_la_LIBADD = libgradus-internal.la
libgradus_la_LDFLAGS = -version-info 0:0:0 -no-undefined
pkginclude_HEADERS = include/gradus/gradus.h include/gradus/checkpoint.h include/gradus/dataset.h include/gradus/interop.h \
	include/gradus/model.h include/gradus/recipe.h include/gradus/run.h include/gradus/status.h include/gradus/tool.h include/gradus/trainer.h \
	include/gradus/version.h
libgradus_la_SOURCES += %D%/api_tool_doctor.c
libgradus_la_SOURCES += %D%/api_interop.c
libgradus_la_SOURCES += %D%/api_tool_bench.c %D%/api_tool_speed.c
libgradus_la_SOURCES += %D%/internal.h %D%/internal.c \
	%D%/model.h %D%/api_importance.c %D%/api_layers.c %D%/curves.h %D%/curves.c %D%/api_calibrate.c %D%/api_checkpoint.c %D%/api_dataset.c %D%/api_table.c %D%/api_inspect.c %D%/api_model.c %D%/api_recipe.c %D%/api_run.c %D%/api_trainer.c %D%/api_version.c
# Every symbol that the library exports; tests/api/symbols.sh compares.
EXTRA_DIST += %D%/gradus.sym
