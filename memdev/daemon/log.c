// SPDX-License-Identifier: MIT
/* See log.h. */
#include "log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void log_line(enum log_level level, const char *fmt, ...)
{
	bool journal = getenv("JOURNAL_STREAM") != NULL;
	char text[1024], line[1100];
	va_list ap;
	int n;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++) {
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	}
	n = journal ? snprintf(line, sizeof(line), "<%d>%s\n", level, text)
		    : snprintf(line, sizeof(line), "scwatcherd: %s\n", text);
	/* nobody to tell is nothing to stop for */
	(void)!write(STDERR_FILENO, line, (size_t)n);
}
