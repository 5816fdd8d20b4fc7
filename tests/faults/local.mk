# Faults from outside the binary: a library that is preloaded and makes calls fail, and a program that starts gradus under it.
check_LTLIBRARIES += libfaults-shim.la
libfaults_shim_la_SOURCES = %D%/shim.h %D%/shim_internal.h %D%/shim.c %D%/shim_files.c %D%/shim_names.c \
	%D%/shim_memory.c
libfaults_shim_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/%D%
libfaults_shim_la_CFLAGS = $(AM_CFLAGS) -fvisibility=default
libfaults_shim_la_LDFLAGS = -module -avoid-version -shared -rpath $(abs_builddir)
libfaults_shim_la_LIBADD = -ldl -lpthread

check_LTLIBRARIES += libfaults-plugin.la
libfaults_plugin_la_SOURCES = %D%/plugin.c
libfaults_plugin_la_CFLAGS = $(AM_CFLAGS) -fvisibility=default
libfaults_plugin_la_LDFLAGS = -module -avoid-version -shared -rpath $(abs_builddir)

check_PROGRAMS += test-faults
TESTS += test-faults
test_faults_SOURCES = %D%/shim.h %D%/harness.h %D%/harness.c %D%/scenario.h %D%/scenario.c %D%/main.c \
	%D%/test_faults.c %D%/replay.h %D%/replay.c %D%/test_crash.c %D%/test_hostile.c
test_faults_CPPFLAGS = $(test_cppflags) -I$(srcdir)/%D%
test_faults_LDADD = $(test_libs)

# Real limits and full disks; as root on a file system of its own, too.
dist_check_SCRIPTS += %D%/limits.sh
TESTS += %D%/limits.sh
