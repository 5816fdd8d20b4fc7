/* What cgroups, v1 or v2, allow this process. A limit may stand at any level above us: the smallest
 * counts. /proc and /sys are looked for under `root` ("" for the real ones). */
#ifndef GR_BASE_CGROUP_H
#define GR_BASE_CGROUP_H

/* CPUs: quota / period; 0 where there is none. */
double gr_cgroup_quota(const char *root);

/* Bytes of memory; 0 where there is no limit. */
double gr_cgroup_memory(const char *root);

/* Bytes that may still be had: MemAvailable, and where cgroups limit us the least of what they
 * leave, pages of files that can be dropped not counted as used. 0 where nothing is known. */
double gr_memory_left(const char *root);

#endif
