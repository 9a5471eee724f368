// SPDX-License-Identifier: MIT
/* What uname() and sysinfo() say of the machine: kernel/sys.c */
#include "global.h"

extern struct uts_namespace __guest init_uts_ns;
extern unsigned long __guest avenrun[];
extern int __guest nr_threads;

static uint32_t count_cpus(struct cpumask __guest *mask)
{
	uint32_t count = 0;

	for_each_cpu(cpu, mask)
		count++;
	return count;
}

static void get_names(struct vfs_machine *ret)
{
	const struct new_utsname __guest *name = &init_uts_ns.name;

	guest_strncpy(ret->sysname, name->sysname, sizeof(ret->sysname));
	guest_strncpy(ret->nodename, name->nodename, sizeof(ret->nodename));
	guest_strncpy(ret->release, name->release, sizeof(ret->release));
	guest_strncpy(ret->version, name->version, sizeof(ret->version));
	guest_strncpy(ret->machine, name->machine, sizeof(ret->machine));
	guest_strncpy(ret->domainname, name->domainname, sizeof(ret->domainname));
}

static void get_memory(struct vfs_machine *ret)
{
	struct global_memory memory;

	global_memory_get(&memory);
	ret->total_ram = memory.total << GLOBAL_PAGE_SHIFT;
	ret->free_ram = memory.free << GLOBAL_PAGE_SHIFT;
	ret->shared_ram = memory.shared << GLOBAL_PAGE_SHIFT;
	ret->buffer_ram = memory.buffers << GLOBAL_PAGE_SHIFT;
	ret->total_swap = memory.swap_total << GLOBAL_PAGE_SHIFT;
	ret->free_swap = memory.swap_free << GLOBAL_PAGE_SHIFT;
}

/* Loads have 11 bits of fraction in the kernel (FSHIFT) and 16 for readers (SI_LOAD_SHIFT). */
void proc_call_machine(struct vfs_machine *ret)
{
	struct global_time now;

	get_names(ret);
	get_memory(ret);
	global_time_now(&now);
	ret->uptime = (now.boot + (int64_t)GLOBAL_NSEC_PER_SEC - 1) / (int64_t)GLOBAL_NSEC_PER_SEC;
	for (int i = 0; i < 3; i++)
		ret->loads[i] = avenrun[i] << (16 - 11);
	ret->procs = (uint32_t)nr_threads;
	ret->cpus_online = count_cpus(&__cpu_online_mask);
	ret->cpus_possible = count_cpus(&__cpu_possible_mask);
}
