/* SPDX-License-Identifier: MIT */
/* Lines for whoever reads standard error: a person, or the journal. */
#ifndef SCW_DAEMON_LOG_H
#define SCW_DAEMON_LOG_H

enum log_level {
	LOG_BAD = 3, /* as in syslog(3): the journal takes the number in front of a line */
	LOG_WARN = 4,
	LOG_NOTE = 6,
};

/* Write one line in one go. What isn't printable ASCII becomes '?'. */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
