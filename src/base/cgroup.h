/* The CPU quota that cgroups put on this process. */
#ifndef GR_BASE_CGROUP_H
#define GR_BASE_CGROUP_H

/* CPUs: the smallest quota / period of our own cgroup and all its visible parents, cgroup v1 or v2;
 * 0 where there is none. /proc and /sys are looked for under `root` ("" for the real ones). */
double gr_cgroup_quota(const char *root);

#endif
