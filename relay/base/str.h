/*
 * Borrowed bytes: a pointer and a length, no NUL needed, never owned. A
 * struct str is not stored past the call unless a header says so.
 */
#ifndef RELAY_BASE_STR_H
#define RELAY_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

struct str {
	const char *p;
	size_t n; /* bytes */
};

/* Literal to struct str. */
#define STR(lit) ((struct str){(lit), sizeof(lit) - 1})

/* Arguments for a "%.*s" format. */
#define STR_FMT(s) (int)(s).n, (s).p ? (s).p : ""

struct str str_of(const char *cstr); /* cstr may be NULL: empty */
struct str str_n(const char *p, size_t n);
bool str_eq(struct str a, struct str b); /* byte for byte */
bool str_eq_ci(struct str a, struct str b); /* ASCII case folded */
int str_cmp_ci(struct str a, struct str b); /* order, ASCII folded */
bool str_starts(struct str s, struct str prefix);
bool str_starts_ci(struct str s, struct str prefix);
bool str_ends_ci(struct str s, struct str suffix);
struct str str_trim(struct str s); /* space, tab, CR, LF */
struct str str_skip(struct str s, size_t n); /* drops n first bytes */
/* Offset of c, or s.n when it is not there. */
size_t str_find(struct str s, char c);
size_t str_find_last(struct str s, char c);
/*
 * Cuts the part before sep off *rest (sep itself is dropped) into *part.
 * false when *rest was empty. "a;;b" gives "a", "", "b".
 */
bool str_cut(struct str *rest, char sep, struct str *part);
/* ASCII only, no locale. */
char str_lower(char c);
bool str_is_digit(char c);
bool str_is_alpha(char c);
bool str_is_alnum(char c);

#endif
