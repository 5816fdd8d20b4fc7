libgradus_internal_la_SOURCES += \
	%D%/config.h %D%/config.c %D%/config_keys.c %D%/config_value.h %D%/config_value.c %D%/config_layers.h %D%/config_layers.c %D%/config_presets.c \
	%D%/config_yaml.c %D%/config_write.c %D%/config_check.c %D%/config_settle.c \
	%D%/digest.h %D%/digest.c %D%/groups.h %D%/groups.c \
	%D%/network.h %D%/strategy.def.h %D%/strategy.h %D%/network.c \
	%D%/preprocessing.h %D%/preprocessing.c %D%/element.h %D%/element.c %D%/moments.c %D%/columns.h %D%/columns.c %D%/columns_fit.c \
	%D%/row_set.h %D%/row_set.c %D%/row_order.h %D%/row_order.c \
	%D%/average.h %D%/average.c %D%/line_search.h %D%/line_search.c %D%/lbfgs.h %D%/lbfgs.c %D%/schedule.h %D%/schedule.def.h %D%/schedule.c \
	%D%/class_weight.h %D%/class_weight.c %D%/metric.h %D%/metric.def.h %D%/metric.c \
	%D%/model.h %D%/model.c
dist_man_MANS += man/gradus-config.5 man/gradus-dataset.5 man/gradus-checkpoint.5
