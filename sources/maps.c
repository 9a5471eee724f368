// SPDX-License-Identifier: MIT
/* See sources/maps.h. Paths come last and may hold anything; "\012" stands for a newline in them. */
#include "sources/maps.h"

#include <stdio.h>
#include <string.h>

#include "guest/addr.h"

enum {
	RAM_LEAST = 16 << 20, /* no distribution's kernel runs in less */
};

bool maps_parse_line(char *line, struct maps_entry *ret)
{
	struct maps_entry m = {0};
	char perms[5];
	int path = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %n", &m.start, &m.end, perms, &m.offset,
		   &m.major, &m.minor, &m.inode, &path) != 7 ||
	    strlen(perms) != 4 || m.start >= m.end ||
	    (m.start | m.end | m.offset) % GUEST_PAGE_SIZE)
		return false;
	m.read = perms[0] == 'r';
	m.write = perms[1] == 'w';
	m.exec = perms[2] == 'x';
	m.shared = perms[3] == 's';
	m.path = path ? line + path : "";
	*ret = m;
	return true;
}

bool maps_may_be_ram(const struct maps_entry *m)
{
	static const char *const files[] = {
		"/memfd:", "/dev/shm/", "/dev/hugepages", "/dev/zero", "/SYSV", "[anon",
	};

	if (!m->read || !m->write || m->exec || m->end - m->start < RAM_LEAST)
		return false;
	if (!m->path[0])
		return true;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (strncmp(m->path, files[i], strlen(files[i])) == 0)
			return true;
	/* heap and stacks aren't, nor is a device's memory; any other file may be */
	return m->path[0] == '/' && strncmp(m->path, "/dev/", 5) != 0;
}
