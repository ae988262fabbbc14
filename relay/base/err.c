/*
 * Texts of error values, and the two ways to end the process: err_bug() for
 * a broken invariant of our own, die() for an environment we can't start in.
 * Everything else is a returned value.
 */
#include "config.h"

#include "relay/base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

const char *
err_str(int err)
{
	static const char *const texts[] = {
#define ERR_TEXT_(name, text) text,
	    ERR_LIST(ERR_TEXT_)
#undef ERR_TEXT_
	};

	if (err == 0)
		return "no error";
	if (err <= ERR_BASE_ || err >= ERR_END_)
		return "unknown error";
	return texts[err - ERR_BASE_ - 1];
}

void
err_bug(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "waxseal: BUG at %s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	fflush(stderr);
	abort();
}

void
die(int status, const char *fmt, ...)
{
	va_list ap;

	fputs("waxseal: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(status);
}
