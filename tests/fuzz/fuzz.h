/*
 * What the fuzz targets share. A target is one file with one function,
 * LLVMFuzzerTestOneInput, that reads its input with the fuzz_take_... below
 * and states with FUZZ_CHECK what must hold for any input. It is linked with
 * libFuzzer, or with main.c, which runs the files of the corpus.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/str.h"

#define FUZZ_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The entry: always 0. data is a block of exactly size bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program when cond does not hold; what was fed is kept by libFuzzer,
 * and named by main.c. */
#define FUZZ_CHECK(cond) \
	((cond) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #cond))

static inline void __attribute__((noreturn))
fuzz_broken(const char *file, int line, const char *cond)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, cond);
	abort();
}

/* Bytes of the input that are still to be read. */
struct fuzz_in {
	const uint8_t *p;
	size_t n;
};

/* The next byte, 0 when there is none. */
static inline uint8_t
fuzz_take_byte(struct fuzz_in *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->p++;
}

static inline uint64_t
fuzz_take_number(struct fuzz_in *in, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | fuzz_take_byte(in);
	return v;
}

/* Up to n bytes, borrowed. */
static inline struct str
fuzz_take(struct fuzz_in *in, size_t n)
{
	struct str s;

	if (n > in->n)
		n = in->n;
	s = str_n((const char *)in->p, n);
	in->p += n;
	in->n -= n;
	return s;
}

/* All that is left. */
static inline struct str
fuzz_rest(struct fuzz_in *in)
{
	return fuzz_take(in, in->n);
}

/* Bytes up to sep, which is dropped, or all of them. */
static inline struct str
fuzz_take_until(struct fuzz_in *in, char sep)
{
	struct str all = str_n((const char *)in->p, in->n);
	struct str s = fuzz_take(in, str_find(all, sep));

	(void)fuzz_take_byte(in);
	return s;
}

/* Copy of s up to its first NUL and to size - 1 bytes. */
static inline void
fuzz_text(char *out, size_t size, struct str s)
{
	size_t n = str_find(s, '\0');

	if (n >= size)
		n = size - 1;
	if (n > 0)
		memcpy(out, s.p, n);
	out[n] = '\0';
}

/*
 * A copy of exactly s.n bytes, so that ASan sees each byte read beyond it.
 * free() the result.
 */
static inline char *
fuzz_exact(struct str s)
{
	char *p = xmalloc(s.n > 0 ? s.n : 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}

/* Is each byte of s one of printable ASCII or of those in also? */
static inline bool
fuzz_is_printable(struct str s, const char *also)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if ((c < ' ' || c > '~') && (!c || !strchr(also, c)))
			return false;
	}
	return true;
}

/* Does s hold what? */
static inline bool
fuzz_holds(struct str s, const char *what)
{
	struct str w = str_of(what);

	for (size_t i = 0; i + w.n <= s.n; i++) {
		if (str_starts(str_skip(s, i), w))
			return true;
	}
	return false;
}

#endif
