// SPDX-License-Identifier: MIT
/* Shell lines taken apart: by hand, and against the shell that there is. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "shell.h"

static struct shell_line line;

/* The commands as "word|word ; word|...", redirections as "fd=path:flags" or "fd=&from" behind the words. */
static const char *shown(const char *text)
{
	static char out[2 * SHELL_SIZE];
	char *at = out;

	if (!shell_parse(text, &line))
		return "refused";
	*at = '\0';
	for (size_t i = 0; i < line.count; i++) {
		const struct shell_command *c = &line.commands[i];

		at += sprintf(at, "%s", i ? " ; " : "");
		for (char **w = c->words; *w; w++)
			at += sprintf(at, "%s%s", w == c->words ? "" : "|", *w);
		for (size_t k = 0; k < c->redirect_count; k++) {
			const struct shell_redirect *x = &c->redirects[k];

			if (x->path)
				at += sprintf(at, " %d=%s:%s", x->fd, x->path,
					      x->flags == O_RDONLY   ? "r"
					      : x->flags & O_APPEND ? "a"
					      : x->flags & O_TRUNC  ? "w"
								    : "?");
			else
				at += sprintf(at, " %d=&%d", x->fd, x->from);
		}
	}
	return out;
}

static void test_lines(void **state)
{
	(void)state;
	assert_string_equal(shown("ps"), "ps");
	assert_string_equal(shown("  ps\t-e  "), "ps|-e");
	assert_string_equal(shown("cat /proc/7/environ | tr \"\\0\" \"\\n\" | grep -w 'USER'"),
			    "cat|/proc/7/environ ; tr|\\0|\\n ; grep|-w|USER");
	assert_string_equal(shown("ps -eo pid=,comm= 2>/dev/null"), "ps|-eo|pid=,comm= 2=/dev/null:w");
	assert_string_equal(shown("a>b<c>>d"), "a 1=b:w 0=c:r 1=d:a");
	assert_string_equal(shown("a 2>&1|b 2>&- 3<&0"), "a 2=&1 ; b 2=&-1 3=&0");
	assert_string_equal(shown(">out a 2> \"x y\""), "a 1=out:w 2=x y:w");
	assert_string_equal(shown("a2>b"), "a2 1=b:w");
	assert_string_equal(shown("a 2 >b"), "a|2 1=b:w");
	assert_string_equal(shown("awk '{ print $2 }'"), "awk|{ print $2 }");
	assert_string_equal(shown("a ''\"\" b"), "a||b");
	assert_string_equal(shown("a \\$x \"\\$\\a\""), "a|$x|$\\a");
}

static void test_what_wants_a_shell(void **state)
{
	static const char *const lines[] = {
		"", "  ", "|", "a|", "|a", "a||b", "a&&b", "a&", "a;b", "a\nb", "a $x", "a \"$x\"", "a `b`",
		"a \"`b`\"", "$(a)", "(a)", "a *", "a ?", "a [b]", "a ~", "a ~x", "a #b", "a <<b", "a <>b",
		"a >|b", "a >", "a > |b", "a 2>&", "a >&b", "a 2>&12", "a >&1;b", "a 'b", "a \"b", "a 12>b",
		"a |& b", "a &>b", "> b", "a \\\nb", "a \"\\\nb\"", "a >\"\"",
	};
	static char text[2 * SHELL_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		print_message("%s\n", lines[i]);
		assert_string_equal(shown(lines[i]), "refused");
	}
	memset(text, 'a', SHELL_SIZE);
	assert_string_equal(shown(text), "refused");
	text[SHELL_SIZE - 1] = '\0';
	assert_int_equal(strlen(shown(text)), SHELL_SIZE - 1);
	for (size_t i = 0; i < SHELL_WORDS; i++)
		strcpy(text + 2 * i, "a ");
	assert_string_equal(shown(text), "refused");
	text[2 * SHELL_WORDS - 2] = '\0';
	assert_string_not_equal(shown(text), "refused");
	for (size_t i = 0; i < SHELL_COMMANDS; i++)
		strcpy(text + 2 * i, "a|");
	strcpy(text + 2 * SHELL_COMMANDS, "a");
	assert_string_equal(shown(text), "refused");
	text[2 * SHELL_COMMANDS - 1] = '\0';
	assert_string_not_equal(shown(text), "refused");
	memcpy(text, "a  ", 3);
	for (size_t i = 1; i <= SHELL_REDIRECTS + 1; i++)
		memcpy(text + 3 * i, ">b ", 4);
	assert_string_equal(shown(text), "refused");
	text[3 * SHELL_REDIRECTS + 3] = '\0';
	assert_string_not_equal(shown(text), "refused");
}

/* What is accepted, the shell makes the same of. */
static void test_against_the_shell(void **state)
{
	static const char letters[] = "ab12 \t'\"\\=-{}%!,#~";
	unsigned int taken = 0;

	(void)state;
	srandom(7);
	for (int run = 0; run < 400; run++) {
		char text[40] = "printf '<%s>'", command[80], want[200], got[200] = "";
		size_t size = strlen(text), more = (size_t)random() % 16, at = 0;
		FILE *f;

		text[size++] = ' ';
		for (size_t i = 0; i < more; i++)
			text[size++] = letters[(size_t)random() % (sizeof(letters) - 1)];
		text[size] = '\0';
		if (!shell_parse(text, &line))
			continue;
		assert_int_equal(line.count, 1);
		for (char **w = line.words + 2; *w || w == line.words + 2; w++) {
			at += (size_t)sprintf(want + at, "<%s>", *w ? *w : "");
			if (!*w)
				break;
		}
		snprintf(command, sizeof(command), "%s", text);
		f = popen(command, "r");
		assert_non_null(f);
		got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
		assert_int_equal(pclose(f), 0);
		assert_string_equal(got, want);
		taken++;
	}
	assert_true(taken > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_what_wants_a_shell),
		cmocka_unit_test(test_against_the_shell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
