/*
 * Verdicts of DANE and MTA-STS as plain values. The records of a DANE verdict
 * belong to it; everything else is stored in place.
 */
#include "config.h"

#include "relay/model/verdicts.h"

#include <string.h>

#include "relay/base/err.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define NAME_(id, text) text,

const char *
dane_kind_str(enum dane_kind k)
{
	static const char *const names[] = {DANE_VERDICT_LIST(NAME_)};

	if ((size_t)k >= COUNT(names))
		BUG("dane_kind %d", (int)k);
	return names[k];
}

const char *
sts_mode_str(enum sts_mode m)
{
	static const char *const names[] = {STS_MODE_LIST(NAME_)};

	if ((size_t)m >= COUNT(names))
		BUG("sts_mode %d", (int)m);
	return names[m];
}

const char *
sts_source_str(enum sts_source s)
{
	static const char *const names[] = {STS_SOURCE_LIST(NAME_)};

	if ((size_t)s >= COUNT(names))
		BUG("sts_source %d", (int)s);
	return names[s];
}

const char *
mx_security_str(enum mx_security s)
{
	static const char *const names[] = {MX_SECURITY_LIST(NAME_)};

	if ((size_t)s >= COUNT(names))
		BUG("mx_security %d", (int)s);
	return names[s];
}

void
dane_verdict_init(struct dane_verdict *v)
{
	memset(v, 0, sizeof(*v));
	v->kind = DANE_NONE;
	v->why = RR_WHY_NONE;
	v->rule = "DANE-13";
}

void
dane_verdict_clear(struct dane_verdict *v)
{
	rr_tlsa_free(v->tlsa, v->n_tlsa);
	dane_verdict_init(v);
}
