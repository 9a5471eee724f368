// SPDX-License-Identifier: MIT
/* /proc/cpuinfo: arch/x86/kernel/cpu/proc.c, arch/x86/kernel/cpu/aperfmperf.c */
#include "global.h"

GUEST_TYPES_BEGIN
struct aperfmperf { /* arch/x86/kernel/cpu/aperfmperf.c, since 5.19 */
	unsigned long last_update;
	uint64_t acnt;
	uint64_t mcnt;
};
struct aperfmperf_sample { /* before */
	unsigned int khz;
};
struct cpufreq_policy {
	unsigned int cur;
};
typedef struct cpumask __guest *cpumask_var_t;
GUEST_TYPES_END

extern struct cpuinfo_x86 __guest cpu_info;
extern const char __guest *__guest x86_cap_flags[];
extern const char __guest *__guest x86_vmx_flags[];
extern const char __guest *__guest x86_bug_flags[];
extern const char __guest *__guest x86_power_flags[];
extern unsigned int __guest cpu_khz;
extern struct aperfmperf __guest cpu_samples;
extern struct aperfmperf_sample __guest samples;
extern unsigned long __guest jiffies;
extern struct cpufreq_policy __guest *__guest cpufreq_cpu_data;
extern struct cpumask __guest cpu_core_map;

enum {
	WORDS_MAX = 64,
	POWER_FLAGS = 32,
	SAMPLE_AGE_DIVISOR = 50, /* samples are good for HZ / 50 ticks */
	/* arch/x86/include/asm/cpufeatures.h: word and bit, macros that never change */
	FEATURE_TSC = 0 * 32 + 4,
	FEATURE_VMX = 4 * 32 + 5,
	FEATURE_APERFMPERF = 3 * 32 + 28,
};

static bool has_bit(const uint32_t *words, unsigned int bit)
{
	return words[bit / 32] >> bit % 32 & 1;
}

/* Names of the bits that are set, each after a space. */
static void put_flags(struct seq_file *m, const uint32_t *words, unsigned int count,
		      const char __guest *__guest *names)
{
	for (unsigned int i = 0; i < count * 32; i++) {
		const char __guest *name;

		if (!has_bit(words, i))
			continue;
		name = names[i];
		if (!name)
			continue;
		seq_putc(m, ' ');
		global_puts(m, name, 31);
	}
}

/* The frequency in kHz: of the last sample if it is new, else the nominal one. */
static uint32_t frequency(const uint32_t *caps, unsigned int cpu)
{
	if (has_bit(caps, FEATURE_APERFMPERF) && guest_has_symbol(cpu_samples) &&
	    guest_has(struct aperfmperf, acnt)) {
		struct aperfmperf __guest *s = guest_per_cpu_ptr(&cpu_samples, cpu);
		uint64_t mcnt = s->mcnt, acnt = s->acnt;

		if (mcnt && jiffies - s->last_update <= global_hz() / SAMPLE_AGE_DIVISOR)
			return (uint32_t)(cpu_khz * acnt / mcnt);
	} else if (has_bit(caps, FEATURE_APERFMPERF) && guest_has_symbol(samples) &&
		   guest_has(struct aperfmperf_sample, khz)) {
		uint32_t khz = guest_per_cpu_ptr(&samples, cpu)->khz;

		if (khz)
			return khz;
	}
	if (guest_has_symbol(cpufreq_cpu_data)) {
		struct cpufreq_policy __guest *policy = *guest_per_cpu_ptr(&cpufreq_cpu_data, cpu);

		if (policy && policy->cur)
			return policy->cur;
	}
	return cpu_khz;
}

static unsigned int siblings(unsigned int cpu)
{
	struct cpumask __guest *map = guest_per_cpu_ptr(&cpu_core_map, cpu);
	unsigned int n = 0;

	/* a cpumask_var_t: a pointer when masks are long (CPUMASK_OFFSTACK), else the mask */
	if (guest_sizeof(struct cpumask) > 8 && guest_sizeof(cpumask_var_t) == 8)
		map = *guest_ptr(struct cpumask __guest *, guest_addr(map));
	for_each_cpu(other, map)
		n++;
	return n;
}

static void show_topology(struct seq_file *m, struct cpuinfo_x86 __guest *c, unsigned int cpu)
{
	bool topo = guest_has(struct cpuinfo_x86, topo);

	seq_printf(m, "physical id\t: %d\n", topo ? (int)c->topo.pkg_id : c->phys_proc_id);
	seq_printf(m, "siblings\t: %u\n", siblings(cpu));
	seq_printf(m, "core id\t\t: %d\n", topo ? (int)c->topo.core_id : c->cpu_core_id);
	seq_printf(m, "cpu cores\t: %d\n", c->booted_cores);
	seq_printf(m, "apicid\t\t: %d\n", topo ? (int)c->topo.apicid : c->apicid);
	seq_printf(m, "initial apicid\t: %d\n",
		   topo ? (int)c->topo.initial_apicid : c->initial_apicid);
}

static void show_identity(struct seq_file *m, struct cpuinfo_x86 __guest *c, unsigned int cpu)
{
	char vendor[17], model[65];

	guest_strncpy(vendor, c->x86_vendor_id, sizeof(vendor));
	guest_strncpy(model, c->x86_model_id, sizeof(model));
	seq_printf(m, "processor\t: %u\n", cpu);
	seq_printf(m, "vendor_id\t: %s\n", vendor[0] ? vendor : "unknown");
	seq_printf(m, "cpu family\t: %d\n", c->x86);
	seq_printf(m, "model\t\t: %u\n", c->x86_model);
	seq_printf(m, "model name\t: %s\n", model[0] ? model : "unknown");
	if (c->x86_stepping || c->cpuid_level >= 0)
		seq_printf(m, "stepping\t: %d\n", c->x86_stepping);
	else
		seq_puts(m, "stepping\t: unknown\n");
	if (c->microcode)
		seq_printf(m, "microcode\t: 0x%x\n", c->microcode);
}

static void show_power(struct seq_file *m, uint32_t power)
{
	seq_puts(m, "power management:");
	for (unsigned int i = 0; i < POWER_FLAGS; i++) {
		char name[32] = "";

		if (!(power >> i & 1))
			continue;
		if (x86_power_flags[i]) {
			guest_strncpy(name, x86_power_flags[i], sizeof(name));
			if (name[0])
				seq_putc(m, ' ');
			seq_puts(m, name);
		} else {
			seq_printf(m, " [%u]", i);
		}
	}
	seq_puts(m, "\n\n");
}

static void show_cpu(struct seq_file *m, unsigned int cpu)
{
	struct cpuinfo_x86 __guest *c = guest_per_cpu_ptr(&cpu_info, cpu);
	uint32_t __guest *vmx = c->vmx_capability;
	uint32_t caps[WORDS_MAX] = {0}, vmx_caps[WORDS_MAX] = {0};
	/* words of features, then words of bugs */
	int64_t features = guest_enum_any_or(NR_CPUID_WORDS, 0);
	/* arrays have no length in what we ask of a guest: up to the member that follows */
	uint64_t words = (guest_offsetof(struct cpuinfo_x86, x86_vendor_id) -
			  guest_offsetof(struct cpuinfo_x86, x86_capability)) / 4;
	uint64_t vmx_words = guest_has(struct cpuinfo_x86, vmx_capability) ?
				     (guest_offsetof(struct cpuinfo_x86, x86_virt_bits) -
				      guest_offsetof(struct cpuinfo_x86, vmx_capability)) / 4 :
				     0;
	unsigned long hz = global_hz(), loops = c->loops_per_jiffy;

	if (words > WORDS_MAX || features < 1 || (uint64_t)features > words) {
		guest_fault(c);
		return;
	}
	guest_read(caps, c->x86_capability, words * 4);
	show_identity(m, c, (uint16_t)c->cpu_index);
	if (has_bit(caps, FEATURE_TSC)) {
		uint32_t khz = frequency(caps, cpu);

		seq_printf(m, "cpu MHz\t\t: %u.%03u\n", khz / 1000, khz % 1000);
	}
	if (c->x86_cache_size)
		seq_printf(m, "cache size\t: %u KB\n", c->x86_cache_size);
	show_topology(m, c, cpu);
	seq_printf(m, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %d\nwp\t\t: yes\n",
		   c->cpuid_level);
	seq_puts(m, "flags\t\t:");
	put_flags(m, caps, (unsigned int)features, x86_cap_flags);
	if (vmx_words && vmx_words <= WORDS_MAX && has_bit(caps, FEATURE_VMX) && vmx[0]) {
		seq_puts(m, "\nvmx flags\t:");
		guest_read(vmx_caps, vmx, vmx_words * 4);
		put_flags(m, vmx_caps, (unsigned int)vmx_words, x86_vmx_flags);
	}
	seq_puts(m, "\nbugs\t\t:");
	put_flags(m, caps + features, (unsigned int)(words - (uint64_t)features), x86_bug_flags);
	seq_printf(m, "\nbogomips\t: %lu.%02lu\n", loops / (500000 / hz),
		   loops / (5000 / hz) % 100);
	if (c->x86_tlbsize > 0)
		seq_printf(m, "TLB size\t: %d 4K pages\n", c->x86_tlbsize);
	seq_printf(m, "clflush size\t: %u\n", c->x86_clflush_size);
	seq_printf(m, "cache_alignment\t: %d\n", c->x86_cache_alignment);
	seq_printf(m, "address sizes\t: %u bits physical, %u bits virtual\n", c->x86_phys_bits,
		   c->x86_virt_bits);
	show_power(m, (uint32_t)c->x86_power);
}

int proc_cpuinfo_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	for_each_online_cpu(cpu)
		show_cpu(m, cpu);
	return guest_faulted() ? -EIO : 0;
}
