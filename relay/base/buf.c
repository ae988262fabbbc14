/*
 * Owned, growing bytes with a maximum, and the malloc family that aborts.
 * Invariant: p is NULL and cap 0, or p has cap + 1 bytes and p[n] is NUL;
 * n <= cap <= max.
 */
#include "config.h"

#include "relay/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 64 /* bytes of the first allocation */

static void *
check_memory(void *p)
{
	/*
	 * Every acknowledged message is on disk, so a crash is a retry; going
	 * on without memory is what loses mail.
	 */
	if (!p)
		BUG("out of memory");
	return p;
}

void *
xmalloc(size_t n)
{
	return check_memory(malloc(n > 0 ? n : 1));
}

void *
xcalloc(size_t count, size_t n)
{
	return check_memory(calloc(count > 0 ? count : 1, n > 0 ? n : 1));
}

void *
xrealloc(void *p, size_t n)
{
	return check_memory(realloc(p, n > 0 ? n : 1));
}

char *
xstrdup(const char *s)
{
	return s ? str_dup(str_of(s)) : NULL;
}

char *
xstrndup(const char *s, size_t n)
{
	return str_dup(str_n(s, s ? strnlen(s, n) : 0));
}

char *
str_dup(struct str s)
{
	char *p;

	if (s.n == SIZE_MAX)
		BUG("length overflows");
	p = xmalloc(s.n + 1);
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

void
buf_init(struct buf *b, size_t max)
{
	/* One byte less, so that cap + 1 can't overflow. */
	*b = (struct buf){.max = max < SIZE_MAX ? max : SIZE_MAX - 1};
}

void
buf_clear(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

void
buf_reset(struct buf *b)
{
	b->n = 0;
	b->full = false;
	if (b->p)
		b->p[0] = '\0';
}

struct str
buf_str(const struct buf *b)
{
	return str_n(b->p ? b->p : "", b->n);
}

/* Room for more bytes behind b->n, or ERR_TOOBIG. */
static NODISCARD int
reserve(struct buf *b, size_t more)
{
	size_t need, cap;

	if (more > b->max - b->n) {
		b->full = true;
		return ERR_TOOBIG;
	}
	need = b->n + more;
	if (b->p && need <= b->cap)
		return 0;
	cap = b->cap < BUF_FIRST ? BUF_FIRST : b->cap;
	while (cap < need)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	if (cap > b->max)
		cap = b->max;
	b->p = xrealloc(b->p, cap + 1);
	b->cap = cap;
	b->p[b->n] = '\0';
	return 0;
}

int
buf_add(struct buf *b, const void *p, size_t n)
{
	int err = reserve(b, n);

	if (err)
		return err;
	if (n > 0)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
	return 0;
}

int
buf_add_str(struct buf *b, struct str s)
{
	return buf_add(b, s.p, s.n);
}

int
buf_add_cstr(struct buf *b, const char *s)
{
	return buf_add_str(b, str_of(s));
}

int
buf_add_char(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n, err;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		BUG("format \"%s\" failed", fmt);
	err = reserve(b, (size_t)n);
	if (err)
		return err;
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
	return 0;
}

void
buf_shift(struct buf *b, size_t n)
{
	if (n > b->n)
		BUG("shift by %zu of %zu bytes", n, b->n);
	if (n == 0)
		return;
	b->n -= n;
	memmove(b->p, b->p + n, b->n);
	b->p[b->n] = '\0';
}

void
buf_truncate(struct buf *b, size_t n)
{
	if (n > b->n)
		BUG("cut to %zu of %zu bytes", n, b->n);
	b->n = n;
	if (b->p)
		b->p[n] = '\0';
}

char *
buf_take(struct buf *b)
{
	char *p = b->p ? b->p : str_dup(str_n(NULL, 0));

	buf_init(b, b->max);
	return p;
}
