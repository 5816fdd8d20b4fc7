/* Between the parts of the shim: what a call asks before it does its work. Names that begin with
 * gr_ cannot meet those of the program. */
#ifndef GR_TESTS_FAULTS_SHIM_INTERNAL_H
#define GR_TESTS_FAULTS_SHIM_INTERNAL_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shim.h"

/* What a function of libc was before this library stood before it: `real`. */
#define GR_REAL(result, name, ...)    \
  static result (*real)(__VA_ARGS__); \
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, name)

/* Whether a path, or an open descriptor, belongs to the root. */
bool gr_shim_is_below(const char *path);
bool gr_shim_is_tracked(int fd);
void gr_shim_track(int fd, bool yes);

/* Counts a call that the planned fault can meet; whether this is the one. gr_shim_fails sets errno,
 * too. */
bool gr_shim_is_hit(unsigned call, const char *name, const char *path, int fd);
bool gr_shim_fails(unsigned call, const char *name, const char *path, int fd);

/* For reads and writes: how many bytes may pass; -1 = none, failed. */
ssize_t gr_shim_allowance(unsigned call, const char *name, int fd, size_t n);

/* Whether an allocation is refused; `caller` is the return address of the interposed function. */
bool gr_shim_refuses_memory(const void *caller);

/* Records a change; where the next write() goes (only while recording); an open. */
void gr_shim_record(gr_change change, int fd, int64_t offset, const char *path, const char *second,
                    const void *bytes, size_t n);
int64_t gr_shim_place_of(int fd);
void gr_shim_trace(const char *path);

#endif
