/*
 * DNS answers as counted values. A set owns all that its records point to;
 * nothing in it changes once it was handed out, so that many may hold it.
 * The count is plain: a set never leaves its shard.
 */
#include "config.h"

#include "relay/model/rr.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "relay/base/buf.h"
#include "relay/base/codec.h"
#include "relay/base/err.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *
rr_status_str(enum rr_status s)
{
	static const char *const names[] = {
#define RR_NAME_(id, text) text,
	    RR_STATUS_LIST(RR_NAME_)
#undef RR_NAME_
	};

	if ((size_t)s >= COUNT(names))
		BUG("rr_status %d", (int)s);
	return names[s];
}

const char *
rr_why_str(enum rr_why w)
{
	static const char *const names[] = {
#define RR_NAME_(id, text) text,
	    RR_WHY_LIST(RR_NAME_)
#undef RR_NAME_
	};

	if ((size_t)w >= COUNT(names))
		BUG("rr_why %d", (int)w);
	return names[w];
}

const char *
rr_type_str(enum rr_type t)
{
	switch (t) {
	case RR_A:
		return "A";
	case RR_NS:
		return "NS";
	case RR_CNAME:
		return "CNAME";
	case RR_SOA:
		return "SOA";
	case RR_MX:
		return "MX";
	case RR_TXT:
		return "TXT";
	case RR_AAAA:
		return "AAAA";
	case RR_TLSA:
		return "TLSA";
	}
	BUG("rr_type %d", (int)t);
}

/* Bytes of one record, 0 for types whose records nobody looks at. */
static size_t
record_size(enum rr_type type)
{
	switch (type) {
	case RR_A:
	case RR_AAAA:
		return sizeof(struct rr_addr);
	case RR_CNAME:
		return DOMAIN_MAX;
	case RR_MX:
		return sizeof(struct rr_mx);
	case RR_TXT:
		return sizeof(struct str);
	case RR_TLSA:
		return sizeof(struct rr_tlsa);
	case RR_NS:
	case RR_SOA:
		return 0;
	}
	BUG("rr_type %d", (int)type);
}

/* The array of s, whatever its type; the members of u are all pointers. */
static void
set_array(struct rr_set *s, void *p)
{
	switch (s->type) {
	case RR_A:
	case RR_AAAA:
		s->u.addr = p;
		break;
	case RR_CNAME:
		s->u.cname = p;
		break;
	case RR_MX:
		s->u.mx = p;
		break;
	case RR_TXT:
		s->u.txt = p;
		break;
	case RR_TLSA:
		s->u.tlsa = p;
		break;
	case RR_NS:
	case RR_SOA:
		break;
	}
}

struct rr_set *
rr_set_new(enum rr_type type, size_t n)
{
	struct rr_set *s = xcalloc(1, sizeof(*s));
	size_t size = record_size(type);

	s->refs = 1;
	s->type = type;
	s->status = RR_OK;
	if (size > 0 && n > 0) {
		set_array(s, xcalloc(n, size));
		s->n = n;
	}
	return s;
}

struct rr_set *
rr_set_empty(enum rr_type type, enum rr_status status, enum rr_why why)
{
	struct rr_set *s = rr_set_new(type, 0);

	s->status = status;
	s->why = why;
	return s;
}

struct rr_set *
rr_set_dup(const struct rr_set *s)
{
	struct rr_set *d = rr_set_new(s->type, s->n);
	size_t i;

	d->status = s->status;
	d->why = s->why;
	d->secure = s->secure;
	d->has_cname = s->has_cname;
	memcpy(d->final_name, s->final_name, sizeof(d->final_name));
	d->ttl = s->ttl;
	for (i = 0; i < s->n; i++) {
		switch (s->type) {
		case RR_A:
		case RR_AAAA:
			d->u.addr[i] = s->u.addr[i];
			break;
		case RR_CNAME:
			memcpy(d->u.cname[i], s->u.cname[i], DOMAIN_MAX);
			break;
		case RR_MX:
			d->u.mx[i] = s->u.mx[i];
			break;
		case RR_TXT:
			rr_set_txt(d, i, s->u.txt[i]);
			break;
		case RR_TLSA:
			rr_set_tlsa(d, i, s->u.tlsa[i].usage,
			    s->u.tlsa[i].selector, s->u.tlsa[i].mtype,
			    str_n((const char *)s->u.tlsa[i].data,
				s->u.tlsa[i].len));
			break;
		case RR_NS:
		case RR_SOA:
			break;
		}
	}
	return d;
}

struct rr_set *
rr_set_ref(struct rr_set *s)
{
	s->refs++;
	return s;
}

static void
free_txt(struct str *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		char *own;

		/* The set made the bytes; struct str only shows them const. */
		memcpy(&own, &v[i].p, sizeof(own));
		free(own);
	}
	free(v);
}

void
rr_set_unref(struct rr_set *s)
{
	if (!s)
		return;
	if (s->refs == 0)
		BUG("rr_set without a count");
	if (--s->refs > 0)
		return;
	switch (s->type) {
	case RR_A:
	case RR_AAAA:
		free(s->u.addr);
		break;
	case RR_CNAME:
		free(s->u.cname);
		break;
	case RR_MX:
		free(s->u.mx);
		break;
	case RR_TXT:
		free_txt(s->u.txt, s->n);
		break;
	case RR_TLSA:
		rr_tlsa_free(s->u.tlsa, s->n);
		break;
	case RR_NS:
	case RR_SOA:
		break;
	}
	free(s);
}

static void
tlsa_set(struct rr_tlsa *t, const uint8_t *data, size_t n)
{
	if (n > RR_TLSA_MAX)
		BUG("TLSA data of %zu bytes", n);
	t->data = xmalloc(n + 1);
	if (n > 0)
		memcpy(t->data, data, n);
	t->len = (uint16_t)n;
}

void
rr_set_tlsa(struct rr_set *s, size_t i, uint8_t usage, uint8_t selector,
    uint8_t mtype, struct str data)
{
	struct rr_tlsa *t;

	if (s->type != RR_TLSA || i >= s->n)
		BUG("TLSA record %zu of %zu", i, s->n);
	t = &s->u.tlsa[i];
	free(t->data);
	t->usage = usage;
	t->selector = selector;
	t->mtype = mtype;
	tlsa_set(t, (const uint8_t *)data.p, data.n);
}

void
rr_set_txt(struct rr_set *s, size_t i, struct str text)
{
	char *old;

	if (s->type != RR_TXT || i >= s->n)
		BUG("TXT record %zu of %zu", i, s->n);
	memcpy(&old, &s->u.txt[i].p, sizeof(old));
	free(old);
	s->u.txt[i] = str_n(str_dup(text), text.n);
}

void
rr_addr_str(const struct rr_addr *a, char out[RR_ADDR_TEXT])
{
	if (a->family != 4 && a->family != 6)
		BUG("address family %u", a->family);
	if (!inet_ntop(
		a->family == 4 ? AF_INET : AF_INET6, a->ip, out, RR_ADDR_TEXT))
		BUG("address longer than %d", RR_ADDR_TEXT);
}

int
rr_addr_parse(struct str s, struct rr_addr *out)
{
	struct rr_addr a = {0};
	char text[RR_ADDR_TEXT];

	if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, '\0', s.n))
		return ERR_SYNTAX;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	a.family = memchr(text, ':', s.n) ? 6 : 4;
	if (inet_pton(a.family == 4 ? AF_INET : AF_INET6, text, a.ip) != 1)
		return ERR_SYNTAX;
	*out = a;
	return 0;
}

struct rr_tlsa *
rr_tlsa_dup(const struct rr_tlsa *v, size_t n)
{
	struct rr_tlsa *d;
	size_t i;

	if (n == 0)
		return NULL;
	d = xcalloc(n, sizeof(*d));
	for (i = 0; i < n; i++) {
		d[i] = v[i];
		tlsa_set(&d[i], v[i].data, v[i].len);
	}
	return d;
}

void
rr_tlsa_free(struct rr_tlsa *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(v[i].data);
	free(v);
}

void
rr_tlsa_text(struct buf *b, const struct rr_tlsa *t)
{
	buf_addf(b, "%u %u %u ", t->usage, t->selector, t->mtype);
	codec_hex(b, t->data, t->len);
}
