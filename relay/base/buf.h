/*
 * Owned, growing bytes with a maximum. Everything a peer can size goes in
 * one of these. Contents are always followed by a NUL that is not counted.
 */
#ifndef RELAY_BASE_BUF_H
#define RELAY_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/err.h"
#include "relay/base/str.h"

struct buf {
	char *p;
	size_t n; /* bytes used */
	size_t cap; /* bytes allocated, without the NUL */
	size_t max; /* bytes allowed */
	bool full; /* an append did not fit; sticky until buf_reset */
};

/* Empty buffer that may grow to max bytes. Allocates nothing yet. */
void buf_init(struct buf *b, size_t max);
/* Frees the bytes; b is as after buf_init with the same max. */
void buf_clear(struct buf *b);
/* Forgets the contents, keeps the memory. */
void buf_reset(struct buf *b);
struct str buf_str(const struct buf *b);
/*
 * Appends. A result past max appends nothing, sets b->full and returns
 * ERR_TOOBIG; callers that build one text may ignore the returns and look
 * at b->full at the end, so these are not NODISCARD.
 */
int buf_add(struct buf *b, const void *p, size_t n);
int buf_add_str(struct buf *b, struct str s);
int buf_add_cstr(struct buf *b, const char *s);
int buf_add_char(struct buf *b, char c);
int buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Drops the n first bytes. n > b->n is a BUG. */
void buf_shift(struct buf *b, size_t n);
/* Cuts to n bytes. n > b->n is a BUG. */
void buf_truncate(struct buf *b, size_t n);
/* Hands the bytes to the caller (free with free()), NUL-terminated. */
char *buf_take(struct buf *b);

/* malloc family that aborts when memory is out. */
void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t n);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s); /* NULL gives NULL */
char *xstrndup(const char *s, size_t n);
char *str_dup(struct str s); /* NUL-terminated copy, caller frees */

#endif
