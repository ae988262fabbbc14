/*
 * DNS replies as a library unpacks them, to answers. The input makes names
 * out of a few labels, so that chains and owners meet. An answer never says
 * more than the reply: secure only with AD, records only of the name at the
 * end of the chain, and no order of records makes a difference.
 */
#include "config.h"

#include "relay/dns/rdata.h"

#include "tests/fuzz/fuzz.h"

#define RRS 24
#define WIRE_MAX 300

static const enum rr_type types[] = {
    RR_A, RR_NS, RR_CNAME, RR_SOA, RR_MX, RR_TXT, RR_AAAA, RR_TLSA};

/* Text of a name, back to wire form when it has no escapes. */
static size_t
to_wire(const char *text, uint8_t wire[WIRE_MAX])
{
	struct str rest = str_of(text), label;
	size_t at = 0;

	while (str_cut(&rest, '.', &label)) {
		wire[at++] = (uint8_t)label.n;
		memcpy(wire + at, label.p, label.n);
		at += label.n;
	}
	wire[at++] = 0;
	return at;
}

static void
check_name(struct str wire)
{
	char text[DOMAIN_MAX], again[DOMAIN_MAX];
	uint8_t back[WIRE_MAX];
	char *exact = fuzz_exact(wire);
	int err = rdata_name((const uint8_t *)exact, wire.n, text);

	free(exact);
	FUZZ_CHECK(err == 0 || err == ERR_SYNTAX || err == ERR_TOOBIG);
	if (err)
		return;
	FUZZ_CHECK(fuzz_is_printable(str_of(text), ""));
	if (strchr(text, '\\')) {
		FUZZ_CHECK(!rdata_name_ok(text));
		return;
	}
	FUZZ_CHECK(text[0] == '\0' || rdata_name_ok(text));
	FUZZ_CHECK(to_wire(text, back) == wire.n);
	FUZZ_CHECK(rdata_name(back, wire.n, again) == 0);
	FUZZ_CHECK(strcmp(text, again) == 0);
}

/* One of seven names: a byte is enough to meet an earlier one. */
static void
pick_name(uint8_t b, char out[DOMAIN_MAX])
{
	static const char *const names[] = {"example.com", "EXAMPLE.com",
	    "a.example.com", "b.example.com", "mx.example.net",
	    "_25._tcp.mx.example.net", ""};

	if (b & 0x80)
		(void)snprintf(out, DOMAIN_MAX, "n%u.example.org", b & 0x7fu);
	else
		(void)snprintf(
		    out, DOMAIN_MAX, "%s", names[b % FUZZ_COUNT(names)]);
}

static void
take_rr(struct fuzz_in *in, struct rdata_rr *rr)
{
	memset(rr, 0, sizeof(*rr));
	pick_name(fuzz_take_byte(in), rr->owner);
	rr->type = fuzz_take_byte(in);
	if (rr->type < FUZZ_COUNT(types))
		rr->type = types[rr->type];
	rr->ttl = (uint32_t)fuzz_take_number(in, 2);
	switch (rr->type) {
	case RR_MX:
		rr->pref = (uint16_t)fuzz_take_number(in, 2);
		pick_name(fuzz_take_byte(in), rr->target);
		break;
	case RR_CNAME:
		pick_name(fuzz_take_byte(in), rr->target);
		break;
	case RR_TLSA:
		rr->usage = fuzz_take_byte(in);
		rr->selector = fuzz_take_byte(in);
		rr->mtype = fuzz_take_byte(in);
		rr->data = fuzz_take(in, fuzz_take_byte(in));
		break;
	default:
		rr->data = fuzz_take(in, fuzz_take_byte(in));
		break;
	}
}

static size_t
take_reply(struct fuzz_in *in, struct rdata_reply *r, struct rdata_rr *rrs)
{
	uint8_t flags = fuzz_take_byte(in);
	size_t n = 0;

	memset(r, 0, sizeof(*r));
	pick_name(fuzz_take_byte(in), r->qname);
	r->qtype = types[fuzz_take_byte(in) % FUZZ_COUNT(types)];
	r->rcode = flags & 3 ? fuzz_take_byte(in) & 15u : 0;
	r->tc = (flags & 0x1c) == 0x1c;
	r->ad = flags & 0x20;
	r->has_soa = flags & 0x40;
	r->malformed = (flags & 0x9c) == 0x90;
	if (r->has_soa) {
		r->soa_ttl = (uint32_t)fuzz_take_number(in, 2);
		r->soa_minimum = (uint32_t)fuzz_take_number(in, 2);
	}
	while (n < RRS && in->n > 0)
		take_rr(in, &rrs[n++]);
	r->rrs = rrs;
	r->n = n;
	return n;
}

static size_t
count_of(const struct rdata_reply *r, const char *owner, unsigned type)
{
	size_t n = 0;

	/* The root as a question, and as the text of a wire name. */
	if (strcmp(owner, ".") == 0)
		owner = "";
	for (size_t i = 0; i < r->n; i++) {
		n += r->rrs[i].type == type &&
		    str_eq_ci(str_of(r->rrs[i].owner), str_of(owner));
	}
	return n;
}

/* A lookup that came to something. */
static void
check_answer(const struct rdata_reply *r, const struct rr_set *s)
{
	bool records = s->type != RR_NS && s->type != RR_SOA;

	/* The AD bit and nothing else makes an answer secure. */
	FUZZ_CHECK(s->secure == r->ad);
	for (size_t i = 0; i < r->n; i++)
		FUZZ_CHECK(s->ttl <= r->rrs[i].ttl);
	FUZZ_CHECK(memchr(s->final_name, '\0', DOMAIN_MAX) != NULL);
	FUZZ_CHECK(s->n == 0 || s->status == RR_OK);
	if (records)
		FUZZ_CHECK(
		    s->n == count_of(r, s->final_name, (unsigned)s->type));
	/* No chain ends where it goes on. */
	if (s->status != RR_OK && s->type != RR_CNAME)
		FUZZ_CHECK(count_of(r, s->final_name, RR_CNAME) == 0);
	FUZZ_CHECK(s->status != RR_NODATA || r->rcode == 0);
	FUZZ_CHECK(s->status != RR_NXDOMAIN || r->rcode == 3);
}

static void
check_set(const struct rdata_reply *r, const struct rr_set *s)
{
	FUZZ_CHECK(s->type == (enum rr_type)r->qtype && s->refs == 1);
	FUZZ_CHECK((s->status == RR_FAIL) == (s->why != RR_WHY_NONE));
	FUZZ_CHECK(s->status != RR_FAIL || (!s->secure && s->n == 0));
	if (r->tc || r->malformed || (r->rcode != 0 && r->rcode != 3))
		FUZZ_CHECK(s->status == RR_FAIL);
	if (s->status != RR_FAIL)
		check_answer(r, s);
}

static bool
same(const struct rr_set *a, const struct rr_set *b)
{
	return a->type == b->type && a->status == b->status &&
	    a->why == b->why && a->secure == b->secure &&
	    a->has_cname == b->has_cname && a->ttl == b->ttl && a->n == b->n &&
	    str_eq_ci(str_of(a->final_name), str_of(b->final_name));
}

static void
check_reply(struct rdata_reply *r, const struct rdata_rr *rrs)
{
	struct rdata_rr back[RRS];
	const char *name = r->qname[0] ? r->qname : ".";
	struct rr_set *s = rdata_build(r, name, (enum rr_type)r->qtype);
	struct rr_set *other, *dup;

	check_set(r, s);
	for (size_t i = 0; i < r->n; i++)
		back[i] = rrs[r->n - 1 - i];
	r->rrs = back;
	other = rdata_build(r, name, (enum rr_type)r->qtype);
	/* Of several failures either may be told. */
	FUZZ_CHECK(s->status == other->status);
	FUZZ_CHECK(s->status == RR_FAIL || same(s, other));
	dup = rr_set_dup(s);
	FUZZ_CHECK(same(s, dup));
	rr_set_unref(dup);
	rr_set_unref(other);
	rr_set_unref(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct rdata_rr rrs[RRS];
	struct rdata_reply r;
	char text[DOMAIN_MAX + 8];

	if (fuzz_take_byte(&in) == 'n') {
		check_name(fuzz_rest(&in));
		return 0;
	}
	take_reply(&in, &r, rrs);
	FUZZ_CHECK(rdata_reply_matches(
	    &r, r.qname[0] ? r.qname : ".", (enum rr_type)r.qtype));
	fuzz_text(text, sizeof(text), str_n((const char *)data, size));
	if (!rdata_name_ok(text))
		FUZZ_CHECK(!rdata_reply_matches(
		    &r, text, (enum rr_type)(r.qtype + 1)));
	check_reply(&r, rrs);
	return 0;
}
