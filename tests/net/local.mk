check_PROGRAMS += test-net
TESTS += test-net
test_net_SOURCES = %D%/suites.h %D%/test_net.c %D%/test_net_config.c %D%/test_net_recipe.c \
	%D%/test_net_yaml.c %D%/test_net_network.c %D%/test_net_columns.c %D%/test_net_preprocessing.c %D%/test_net_row_order.c \
	%D%/test_net_schedule.c %D%/test_net_lbfgs.c
test_net_CPPFLAGS = $(test_cppflags) -DGR_MAN_DIR='"$(abs_top_srcdir)/man"'
test_net_LDADD = $(test_libs) -lm
