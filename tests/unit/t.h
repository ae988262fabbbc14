/*
 * Helpers for table tests with cmocka. Each check names the case and shows
 * got and want; the first failing one ends the test.
 *
 *	for (size_t i = 0; i < T_COUNT(cases); i++) {
 *		const struct tcase *c = &cases[i];
 *		t_int(c->name, parse(str_of(c->in), &out), c->want_err);
 *		t_str(c->name, out, str_of(c->want));
 *	}
 */
#ifndef TESTS_UNIT_T_H
#define TESTS_UNIT_T_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "relay/base/err.h"
#include "relay/base/str.h"

#define T_COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Evaluate their arguments once. name: const char *, label of the case. */
#define t_int(name, got, want) t_int_(__FILE__, __LINE__, name, got, want)
#define t_bool(name, got, want) t_bool_(__FILE__, __LINE__, name, got, want)
#define t_str(name, got, want) t_str_(__FILE__, __LINE__, name, got, want)
/* got: struct str, want: const char * */
#define t_is(name, got, want) \
	t_str_(__FILE__, __LINE__, name, got, str_of(want))
/* Both const char *; NULL equals only NULL. */
#define t_cstr(name, got, want) t_cstr_(__FILE__, __LINE__, name, got, want)
/* Results of type enum err, shown as text. */
#define t_err(name, got, want) t_err_(__FILE__, __LINE__, name, got, want)

static inline void
t_int_(const char *file, int line, const char *name, int64_t got, int64_t want)
{
	if (got != want) {
		print_error("%s:%d: %s: got %" PRId64 ", want %" PRId64 "\n",
		    file, line, name, got, want);
		_fail(file, line);
	}
}

static inline void
t_bool_(const char *file, int line, const char *name, bool got, bool want)
{
	if (got != want) {
		print_error("%s:%d: %s: got %s, want %s\n", file, line, name,
		    got ? "true" : "false", want ? "true" : "false");
		_fail(file, line);
	}
}

static inline void
t_str_(const char *file, int line, const char *name, struct str got,
    struct str want)
{
	if (!str_eq(got, want)) {
		print_error("%s:%d: %s: got \"%.*s\", want \"%.*s\"\n", file,
		    line, name, STR_FMT(got), STR_FMT(want));
		_fail(file, line);
	}
}

static inline void
t_cstr_(const char *file, int line, const char *name, const char *got,
    const char *want)
{
	bool same = got && want ? strcmp(got, want) == 0 : got == want;

	if (!same) {
		print_error("%s:%d: %s: got \"%s\", want \"%s\"\n", file, line,
		    name, got ? got : "(null)", want ? want : "(null)");
		_fail(file, line);
	}
}

static inline void
t_err_(const char *file, int line, const char *name, int got, int want)
{
	if (got != want) {
		print_error("%s:%d: %s: got %d (%s), want %d (%s)\n", file,
		    line, name, got, err_str(got), want, err_str(want));
		_fail(file, line);
	}
}

#endif
