libgradus_internal_la_SOURCES += \
	%D%/aside.h %D%/aside.c \
	%D%/h5_io.h %D%/h5_io.c \
	%D%/h5.h %D%/h5.c \
	%D%/h5_array.h %D%/h5_array.c \
	%D%/h5_write.h %D%/h5_write.c \
	%D%/box.h %D%/box.c %D%/codec.h %D%/codec.c \
	%D%/source.h %D%/source.c %D%/source_array.h %D%/source_array.c \
	%D%/source_filters.h %D%/source_filters.c %D%/source_table.c \
	%D%/source_read.c %D%/source_chunks.c %D%/source_virtual.c \
	%D%/array.h %D%/array.c \
	%D%/finite.h %D%/finite.c \
	%D%/dataset.h %D%/dataset.c \
	%D%/dataset_layout.h %D%/dataset_layout.c \
	%D%/dataset_extras.h %D%/dataset_extras.c %D%/dataset_targets.h %D%/dataset_targets.c \
	%D%/dataset_meta.h %D%/dataset_meta.c \
	%D%/dataset_list.h %D%/dataset_list.c %D%/ahead.h %D%/ahead.c %D%/fetch.h %D%/fetch.c %D%/feed.h %D%/feed.c \
	%D%/source_all.c \
	%D%/dataset_read.c %D%/dataset_writer.h %D%/dataset_writer.c %D%/dataset_rows.h %D%/dataset_rows.c \
	%D%/dataset_digest.h %D%/dataset_digest.c %D%/data_print.h %D%/data_print.c \
	%D%/hash.h %D%/seal.h %D%/seal.c \
	%D%/checkpoint.h %D%/checkpoint.c %D%/checkpoint_file.h \
	%D%/checkpoint_parts.h %D%/checkpoint_parts.c \
	%D%/checkpoint_columns.h %D%/checkpoint_columns.c %D%/checkpoint_write.c %D%/checkpoint_events.c %D%/checkpoint_data.c %D%/checkpoint_read.c %D%/checkpoint_seal.c \
	%D%/process.h %D%/process.c
