// SPDX-License-Identifier: MIT
/* /proc/version, /proc/cmdline: fs/proc/version.c, fs/proc/cmdline.c */
#include "global.h"

extern struct uts_namespace __guest init_uts_ns;
extern const char __guest linux_proc_banner[];
extern char __guest *__guest saved_command_line;

enum {
	BANNER_MAX = 1024,
	CMDLINE_MAX = 4096, /* COMMAND_LINE_SIZE is 2048; bootconfig may add to it */
};

/*
 * The guest's own format string holds the compiler and the build host; it has one %s for each of
 * three fields of the names' record. Nothing else in it is taken for a conversion.
 */
int proc_version_show(const struct proc_item *it, struct seq_file *m)
{
	char format[BANNER_MAX], field[3][65 + 1];
	const struct new_utsname __guest *name = &init_uts_ns.name;
	unsigned int used = 0;

	(void)it;
	guest_strncpy(format, linux_proc_banner, sizeof(format));
	guest_strncpy(field[0], name->sysname, sizeof(field[0]));
	guest_strncpy(field[1], name->release, sizeof(field[1]));
	guest_strncpy(field[2], name->version, sizeof(field[2]));
	if (guest_faulted())
		return -EIO;
	for (const char *s = format; *s; s++) {
		if (s[0] == '%' && s[1] == 's' && used < 3) {
			seq_puts(m, field[used++]);
			s++;
		} else {
			seq_putc(m, *s);
		}
	}
	return 0;
}

int proc_cmdline_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	global_puts(m, saved_command_line, CMDLINE_MAX);
	if (guest_faulted())
		return -EIO;
	seq_putc(m, '\n');
	return 0;
}
