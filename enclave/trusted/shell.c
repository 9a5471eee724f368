// SPDX-License-Identifier: MIT
/*
 * Commands joined by pipes, taken apart (POSIX.1-2017, volume XCU, 2.2, 2.3 and 2.7). What isn't understood is
 * refused, never taken as it stands: a word that a shell would change mustn't get through unchanged. Words
 * at the front that aren't programs (`if`, `!`, `A=b`) are left to the look-up of programs, which doesn't find them.
 */
#include <fcntl.h>
#include <string.h>

#include "shell.h"

/* Words are put where the line was: they never get longer. */
struct reader {
	const char *in;
	char *out;
	char next; /* read already: what ended the last word */
};

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The next character that isn't a blank; 0 at the end. */
static char take(struct reader *r)
{
	char c = r->next;

	r->next = 0;
	while (!c || is_blank(c)) {
		c = *r->in;
		if (!c)
			break;
		r->in++;
	}
	return c;
}

static bool take_quoted(struct reader *r, char quote)
{
	while (*r->in != quote) {
		if (!*r->in || (quote == '"' && is_one_of(*r->in, "$`")))
			return false;
		if (quote == '"' && *r->in == '\\' && is_one_of(r->in[1], "$`\"\\\n")) {
			if (r->in[1] == '\n')
				return false;
			r->in++;
		}
		*r->out++ = *r->in++;
	}
	r->in++;
	return true;
}

/* The word that begins with `c`. */
static bool take_word(struct reader *r, char c, char **ret)
{
	if (is_one_of(c, "#~"))
		return false;
	*ret = r->out;
	for (; c && !is_blank(c) && !is_one_of(c, "|<>&;"); c = *r->in ? *r->in++ : 0) {
		if (is_one_of(c, "()$`*?[\n") || (c == '\\' && is_one_of(*r->in, "\n")))
			return false;
		if (c == '\'' || c == '"') {
			if (!take_quoted(r, c))
				return false;
		} else if (c == '\\' && *r->in) {
			*r->out++ = *r->in++;
		} else {
			*r->out++ = c;
		}
	}
	*r->out++ = '\0';
	r->next = c;
	return true;
}

/* Behind `fd` and the < or > that is `c`. */
static bool take_redirect(struct reader *r, int fd, char c, struct shell_command *command)
{
	struct shell_redirect *x = &command->redirects[command->redirect_count];

	if (command->redirect_count == SHELL_REDIRECTS)
		return false;
	command->redirect_count++;
	*x = (struct shell_redirect){ .fd = fd, .from = -1 };
	if (*r->in == '&') {
		r->in++;
		if (is_digit(*r->in))
			x->from = *r->in - '0';
		else if (*r->in != '-')
			return false;
		r->in++;
		return !*r->in || is_blank(*r->in) || is_one_of(*r->in, "|<>");
	}
	x->flags = c == '<' ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC;
	if (c == '>' && *r->in == '>') {
		r->in++;
		x->flags = O_WRONLY | O_CREAT | O_APPEND;
	}
	return take_word(r, take(r), &x->path) && *x->path;
}

/* One of several digits. */
static bool is_number_of_redirect(const char *word, char next)
{
	return is_one_of(next, "<>") && !word[strspn(word, "0123456789")];
}

bool shell_parse(const char *text, struct shell_line *ret)
{
	struct reader r = { .in = ret->text, .out = ret->text };
	struct shell_command *command = ret->commands;
	size_t size = strlen(text) + 1, count = 0;
	char c;

	ret->count = 0;
	if (size > sizeof(ret->text))
		return false;
	memcpy(ret->text, text, size);
	*command = (struct shell_command){ .words = ret->words };
	do {
		bool good = true;

		c = take(&r);
		if (count == SHELL_WORDS)
			return false;
		if (!c || c == '|') {
			good = &ret->words[count] > command->words && ret->count < SHELL_COMMANDS;
			ret->words[count++] = NULL;
			ret->count++;
			if (good && c && ret->count < SHELL_COMMANDS)
				*++command = (struct shell_command){ .words = &ret->words[count] };
		} else if (is_one_of(c, "<>")) {
			good = take_redirect(&r, c == '>', c, command);
		} else if (is_digit(c) && is_one_of(*r.in, "<>")) {
			good = take_redirect(&r, c - '0', *r.in++, command);
		} else {
			good = !is_one_of(c, "&;") && take_word(&r, c, &ret->words[count]) &&
			       !is_number_of_redirect(ret->words[count], r.next);
			count++;
		}
		if (!good)
			return false;
	} while (c);
	return true;
}
