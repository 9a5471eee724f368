// SPDX-License-Identifier: MIT
/*
 * The output buffer of a regular file. The printers that rows of large files use (decimal, hex,
 * seq_printf with integers and strings) format straight into the buffer: a /proc/net/tcp of
 * 100,000 rows is ordinary. Nothing here comes from the C library's stdio, so that the same bytes
 * come out in an enclave.
 */
#include "vfs/seq_file.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
	SEQ_FIRST_SIZE = 1024, /* a /proc/PID/stat or status fits without growing twice */
	SEQ_DIGITS_MAX = 64,
	SEQ_NUMBER_MAX = 24, /* of 64 bits: a sign and 20 digits, or 16 */
	SEQ_FILL_MAX = 16,
	SEQ_DELIMITER_MAX = 40,
	SEQ_SPARE = SEQ_DELIMITER_MAX + SEQ_FILL_MAX + SEQ_NUMBER_MAX,
};

static const char lower_digits[] = "0123456789abcdef";
static const char upper_digits[] = "0123456789ABCDEF";

/* "00" "01" ... "99": two digits a division. */
static const char two_digits[] =
	"0001020304050607080910111213141516171819"
	"2021222324252627282930313233343536373839"
	"4041424344454647484950515253545556575859"
	"6061626364656667686970717273747576777879"
	"8081828384858687888990919293949596979899";

void seq_init(struct seq_file *m, struct base_alloc *alloc, size_t limit)
{
	*m = (struct seq_file){ .alloc = alloc, .limit = limit, .enough = SIZE_MAX };
}

void seq_deinit(struct seq_file *m)
{
	seq_rest_done(m);
	base_free(m->alloc, m->buf);
	m->buf = NULL;
	m->count = m->size = 0;
}

void *seq_rest(struct seq_file *m, size_t size)
{
	if (!m->rest)
		m->rest = base_alloc_zeroed(m->alloc, 1, size);
	if (!m->rest && !m->error)
		m->error = -ENOMEM;
	return m->rest;
}

void seq_rest_done(struct seq_file *m)
{
	base_free(m->alloc, m->rest);
	m->rest = NULL;
}

static bool seq_grow(struct seq_file *m, size_t more)
{
	if (more > m->limit || m->count > m->limit - more) {
		m->error = -EFBIG;
		return false;
	}
	size_t size = m->size ? m->size : SEQ_FIRST_SIZE;
	while (size < m->count + more)
		size = size > m->limit / 2 ? m->limit : size * 2;
	if (size > m->limit)
		size = m->limit;
	char *buf = base_alloc_resize(m->alloc, m->buf, size, 1);
	if (!buf) {
		m->error = -ENOMEM;
		return false;
	}
	m->buf = buf;
	m->size = size;
	return true;
}

/* Room for `size` more bytes at the end, or NULL with the error noted. */
static inline char *seq_room(struct seq_file *m, size_t size)
{
	if (__builtin_expect(m->error != 0, 0))
		return NULL;
	if (__builtin_expect(m->size - m->count < size, 0) && !seq_grow(m, size))
		return NULL;
	return m->buf + m->count;
}

void seq_rollback(struct seq_file *m, size_t mark)
{
	if (mark < m->count)
		m->count = mark;
}

void seq_write(struct seq_file *m, const void *data, size_t size)
{
	if (!size)
		return;
	char *p = seq_room(m, size);
	if (!p)
		return;
	memcpy(p, data, size);
	m->count += size;
}

void seq_puts(struct seq_file *m, const char *s)
{
	seq_write(m, s, strlen(s));
}

void seq_putc(struct seq_file *m, char c)
{
	char *p = seq_room(m, 1);
	if (!p)
		return;
	*p = c;
	m->count++;
}

static void seq_fill(struct seq_file *m, char c, size_t count)
{
	if (!count)
		return;
	char *p = seq_room(m, count);
	if (!p)
		return;
	memset(p, c, count);
	m->count += count;
}

/* The digits of v end before `end`; returns where they start. */
static inline char *digits_decimal(char *end, unsigned long long v)
{
	while (v >= 100) {
		unsigned int two = v % 100;

		v /= 100;
		end -= 2;
		memcpy(end, two_digits + 2 * two, 2);
	}
	if (v >= 10) {
		end -= 2;
		memcpy(end, two_digits + 2 * v, 2);
	} else {
		*--end = (char)('0' + v);
	}
	return end;
}

static inline char *digits_shift(char *end, unsigned long long v, unsigned int bits,
				 const char *digits)
{
	do {
		*--end = digits[v & ((1U << bits) - 1)];
		v >>= bits;
	} while (v);
	return end;
}

static void put_number_slow(struct seq_file *m, const char *delimiter, const char *digits,
			    size_t count, char pad, size_t fill)
{
	size_t before = strlen(delimiter);
	char *p = seq_room(m, before + fill + count);

	if (!p)
		return;
	memcpy(p, delimiter, before);
	memset(p + before, pad, fill);
	memcpy(p + before + fill, digits, count);
	m->count += before + fill + count;
}

/*
 * Most of what is ever printed is a short delimiter and a few digits, so nothing is called for them:
 * where the buffer has room to spare, digits are copied in words that reach behind them, as `digits`
 * does.
 */
static inline void put_number(struct seq_file *m, const char *delimiter, const char *digits,
			      size_t count, char pad, size_t width)
{
	size_t fill = width > count ? width - count : 0;
	const char *d = delimiter;
	char *begin, *p;

	if (__builtin_expect(m->error || m->size - m->count < SEQ_SPARE || fill > SEQ_FILL_MAX, 0)) {
		put_number_slow(m, delimiter, digits, count, pad, fill);
		return;
	}
	begin = p = m->buf + m->count;
	for (; *d; d++) {
		if (p - begin == SEQ_DELIMITER_MAX) {
			put_number_slow(m, delimiter, digits, count, pad, fill);
			return;
		}
		*p++ = *d;
	}
	memset(p, pad, SEQ_FILL_MAX);
	p += fill;
	memcpy(p, digits, SEQ_NUMBER_MAX);
	m->count += (size_t)(p - begin) + count;
}

void seq_put_decimal_ull_width(struct seq_file *m, const char *delimiter, unsigned long long v,
			       unsigned int width)
{
	char tmp[2 * SEQ_NUMBER_MAX], *end = tmp + SEQ_NUMBER_MAX;
	char *p = digits_decimal(end, v);

	put_number(m, delimiter, p, (size_t)(end - p), ' ', width);
}

void seq_put_decimal_ull(struct seq_file *m, const char *delimiter, unsigned long long v)
{
	seq_put_decimal_ull_width(m, delimiter, v, 0);
}

void seq_put_decimal_ll(struct seq_file *m, const char *delimiter, long long v)
{
	char tmp[2 * SEQ_NUMBER_MAX], *end = tmp + SEQ_NUMBER_MAX;
	char *p = digits_decimal(end, v < 0 ? 0ULL - (unsigned long long)v : (unsigned long long)v);

	if (v < 0)
		*--p = '-';
	put_number(m, delimiter, p, (size_t)(end - p), ' ', 0);
}

void seq_put_hex_ll(struct seq_file *m, const char *delimiter, unsigned long long v,
		    unsigned int width)
{
	char tmp[2 * SEQ_NUMBER_MAX], *end = tmp + SEQ_NUMBER_MAX;
	char *p = digits_shift(end, v, 4, lower_digits);

	put_number(m, delimiter, p, (size_t)(end - p), '0', width);
}

/* A NUL counts as listed, as in the kernel's string_escape_mem(). */
void seq_escape_mem(struct seq_file *m, const void *s, size_t size, const char *esc)
{
	const char *p = s;
	size_t done = 0;

	for (size_t i = 0; i < size && !m->error; i++) {
		unsigned char c = (unsigned char)p[i];

		if (!strchr(esc, c))
			continue;
		char o[4] = { '\\', (char)('0' + (c >> 6)), (char)('0' + ((c >> 3) & 7)),
			      (char)('0' + (c & 7)) };
		seq_write(m, p + done, i - done);
		seq_write(m, o, sizeof(o));
		done = i + 1;
	}
	seq_write(m, p + done, size - done);
}

void seq_setwidth(struct seq_file *m, size_t size)
{
	m->pad_until = m->count + size;
}

void seq_pad(struct seq_file *m, char c)
{
	if (m->pad_until > m->count)
		seq_fill(m, ' ', m->pad_until - m->count);
	if (c)
		seq_putc(m, c);
}

/* One conversion of a format. */
struct spec {
	bool left, plus, space, alt, zero, has_precision;
	size_t width, precision;
	int longs; /* -2 hh, -1 h, 0 int, 1 l/z/t, 2 ll/j */
};

static unsigned long long arg_unsigned(const struct spec *s, va_list *ap)
{
	switch (s->longs) {
	case -2:
		return (unsigned char)va_arg(*ap, unsigned int);
	case -1:
		return (unsigned short)va_arg(*ap, unsigned int);
	case 0:
		return va_arg(*ap, unsigned int);
	case 1:
		return va_arg(*ap, unsigned long);
	default:
		return va_arg(*ap, unsigned long long);
	}
}

static long long arg_signed(const struct spec *s, va_list *ap)
{
	switch (s->longs) {
	case -2:
		return (signed char)va_arg(*ap, int);
	case -1:
		return (short)va_arg(*ap, int);
	case 0:
		return va_arg(*ap, int);
	case 1:
		return va_arg(*ap, long);
	default:
		return va_arg(*ap, long long);
	}
}

static void put_field(struct seq_file *m, const struct spec *s, const char *prefix, size_t zeros,
		      const char *text, size_t size)
{
	size_t before = strlen(prefix);
	size_t used = before + zeros + size;

	if (zeros > m->limit) {
		m->error = m->error ? m->error : -EFBIG;
		return;
	}
	if (!s->left && s->width > used)
		seq_fill(m, ' ', s->width - used);
	seq_write(m, prefix, before);
	seq_fill(m, '0', zeros);
	seq_write(m, text, size);
	if (s->left && s->width > used)
		seq_fill(m, ' ', s->width - used);
}

static void put_integer(struct seq_file *m, const struct spec *s, const char *prefix,
			const char *digits, size_t count)
{
	size_t zeros = 0;

	if (s->has_precision) {
		if (!s->precision && count == 1 && *digits == '0')
			count = 0;
		if (s->precision > count)
			zeros = s->precision - count;
	} else if (s->zero && !s->left && s->width > count + strlen(prefix)) {
		zeros = s->width - count - strlen(prefix);
	}
	put_field(m, s, prefix, zeros, digits, count);
}

static size_t parse_number(const char **f)
{
	size_t n = 0;

	for (; **f >= '0' && **f <= '9'; (*f)++)
		if (n < SIZE_MAX / 20)
			n = n * 10 + (size_t)(**f - '0');
	return n;
}

/* Flags, width, precision and length; `f` ends at the conversion letter. */
static void parse_spec(const char **f, struct spec *s, va_list *ap)
{
	*s = (struct spec){ 0 };
	for (;; (*f)++) {
		if (**f == '-')
			s->left = true;
		else if (**f == '+')
			s->plus = true;
		else if (**f == ' ')
			s->space = true;
		else if (**f == '#')
			s->alt = true;
		else if (**f == '0')
			s->zero = true;
		else
			break;
	}
	if (**f == '*') {
		int width = va_arg(*ap, int);

		(*f)++;
		s->left |= width < 0;
		s->width = width < 0 ? 0U - (unsigned int)width : (unsigned int)width;
	} else {
		s->width = parse_number(f);
	}
	if (**f == '.') {
		(*f)++;
		s->has_precision = true;
		if (**f == '*') {
			int precision = va_arg(*ap, int);

			(*f)++;
			s->has_precision = precision >= 0;
			s->precision = precision >= 0 ? (unsigned int)precision : 0;
		} else {
			s->precision = parse_number(f);
		}
	}
	for (;; (*f)++) {
		if (**f == 'h')
			s->longs--;
		else if (**f == 'l')
			s->longs++;
		else if (**f == 'z' || **f == 't')
			s->longs = 1;
		else if (**f == 'j')
			s->longs = 2;
		else
			break;
	}
}

static void put_signed(struct seq_file *m, const struct spec *s, long long v)
{
	char tmp[SEQ_DIGITS_MAX], *end = tmp + sizeof(tmp);
	char *p = digits_decimal(end, v < 0 ? 0ULL - (unsigned long long)v : (unsigned long long)v);

	put_integer(m, s, v < 0 ? "-" : s->plus ? "+" : s->space ? " " : "", p, (size_t)(end - p));
}

static void put_conversion(struct seq_file *m, struct spec *s, char letter, va_list *ap)
{
	char tmp[SEQ_DIGITS_MAX], *end = tmp + sizeof(tmp), *p;
	const char *str, *prefix = "";
	unsigned long long v;
	size_t size;

	switch (letter) {
	case 'd':
	case 'i':
		put_signed(m, s, arg_signed(s, ap));
		break;
	case 'u':
		p = digits_decimal(end, arg_unsigned(s, ap));
		put_integer(m, s, "", p, (size_t)(end - p));
		break;
	case 'x':
	case 'X':
		v = arg_unsigned(s, ap);
		p = digits_shift(end, v, 4, letter == 'x' ? lower_digits : upper_digits);
		if (s->alt && v)
			prefix = letter == 'x' ? "0x" : "0X";
		put_integer(m, s, prefix, p, (size_t)(end - p));
		break;
	case 'o':
		v = arg_unsigned(s, ap);
		p = digits_shift(end, v, 3, lower_digits);
		put_integer(m, s, s->alt && v ? "0" : "", p, (size_t)(end - p));
		break;
	case 'p':
		v = (uintptr_t)va_arg(*ap, void *);
		p = digits_shift(end, v, 4, lower_digits);
		put_integer(m, s, "0x", p, (size_t)(end - p));
		break;
	case 'c':
		*tmp = (char)va_arg(*ap, int);
		put_field(m, s, "", 0, tmp, 1);
		break;
	case 's':
		str = va_arg(*ap, const char *);
		if (!str)
			str = "(null)";
		size = s->has_precision ? strnlen(str, s->precision) : strlen(str);
		put_field(m, s, "", 0, str, size);
		break;
	case '%':
		seq_putc(m, '%');
		break;
	default: /* a format of ours that we don't know is a mistake of ours: no file at all */
		if (!m->error)
			m->error = -EINVAL;
	}
}

void seq_vprintf(struct seq_file *m, const char *fmt, va_list ap)
{
	va_list args;

	va_copy(args, ap);
	while (*fmt && !m->error) {
		const char *pct = strchrnul(fmt, '%');

		seq_write(m, fmt, (size_t)(pct - fmt));
		if (!*pct)
			break;
		fmt = pct + 1;
		/* The conversions that make up nearly all rows, without the machinery. */
		if (*fmt == 'd') {
			seq_put_decimal_ll(m, "", va_arg(args, int));
		} else if (*fmt == 'u') {
			seq_put_decimal_ull(m, "", va_arg(args, unsigned int));
		} else if (*fmt == 's') {
			const char *str = va_arg(args, const char *);

			seq_puts(m, str ? str : "(null)");
		} else {
			struct spec s;

			parse_spec(&fmt, &s, &args);
			put_conversion(m, &s, *fmt, &args);
			if (!*fmt)
				break;
		}
		fmt++;
	}
	va_end(args);
}

void seq_printf(struct seq_file *m, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	seq_vprintf(m, fmt, ap);
	va_end(ap);
}
