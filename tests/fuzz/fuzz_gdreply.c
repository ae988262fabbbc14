/*
 * DNS messages through getdns and our reader to an answer, as far as a
 * resolver lets strangers go: the message and its names are well-formed, the
 * data of the records are any bytes. (Of a message that is not, getdns itself
 * reads beyond the end: doc/RESOLVER.md B10.) Whatever getdns makes of it, the
 * answer fits the question and never says more than the AD bit.
 */
#include "config.h"

#include "relay/dns/dns_gdreply.h"

#include <getdns/getdns.h>
#include <getdns/getdns_extra.h>

#include "tests/fuzz/fuzz.h"

#define WIRE_MAX 65535
#define RRS 20

static const enum rr_type types[] = {
    RR_A, RR_NS, RR_CNAME, RR_SOA, RR_MX, RR_TXT, RR_AAAA, RR_TLSA};

static void
put16(struct buf *b, unsigned v)
{
	buf_add_char(b, (char)(v >> 8));
	buf_add_char(b, (char)(v & 0xff));
}

static void
put32(struct buf *b, uint32_t v)
{
	put16(b, v >> 16);
	put16(b, v & 0xffff);
}

/* One of some names, or one with a label of any bytes; or a pointer to the
 * name of the question. */
static void
put_name(struct buf *b, struct fuzz_in *in)
{
	/* The NUL that ends a literal is the root's label. */
	static const char *const names[] = {"\7example\3com",
	    "\2mx\7example\3com", "\7EXAMPLE\3com",
	    "\3_25\4_tcp\2mx\7example\3com", ""};
	const char *name;
	uint8_t pick = fuzz_take_byte(in);
	struct str label;

	if (pick >= 0xf0 && b->n > 12) {
		put16(b, 0xc00c);
	} else if (pick >= 0x80) {
		label = fuzz_take(in, pick & 63u);
		buf_add_char(b, (char)label.n);
		buf_add_str(b, label);
		if (label.n > 0)
			buf_add_char(b, 0);
	} else {
		name = names[pick % FUZZ_COUNT(names)];
		buf_add(b, name, strlen(name) + 1);
	}
}

static void
put_rdata(struct buf *b, unsigned type, struct fuzz_in *in)
{
	if (type == RR_MX)
		put16(b, (unsigned)fuzz_take_number(in, 2));
	if (type == RR_MX || type == RR_CNAME || type == RR_NS) {
		put_name(b, in);
	} else if (type == RR_SOA) {
		put_name(b, in);
		put_name(b, in);
		for (int i = 0; i < 5; i++)
			put32(b, (uint32_t)fuzz_take_number(in, 2));
	} else {
		buf_add_str(b, fuzz_take(in, fuzz_take_byte(in)));
	}
}

static void
put_rr(struct buf *b, struct fuzz_in *in)
{
	unsigned type;
	size_t at;

	put_name(b, in);
	type = fuzz_take_byte(in);
	type = types[type % FUZZ_COUNT(types)];
	put16(b, type);
	put16(b, (fuzz_take_byte(in) & 0xf0) == 0xf0 ? 3 : 1);
	put32(b, (uint32_t)fuzz_take_number(in, 4));
	at = b->n;
	put16(b, 0);
	put_rdata(b, type, in);
	b->p[at] = (char)((b->n - at - 2) >> 8);
	b->p[at + 1] = (char)((b->n - at - 2) & 0xff);
}

/* Header, question, answer, and the last record as authority. */
static void
put_message(struct buf *b, enum rr_type *type, struct fuzz_in *in)
{
	unsigned n = 0, authority;

	*type = types[fuzz_take_byte(in) % FUZZ_COUNT(types)];
	put16(b, 1);
	put16(b, (unsigned)fuzz_take_number(in, 2));
	put16(b, 1);
	put32(b, 0);
	put16(b, 0);
	put_name(b, in);
	put16(b, (unsigned)*type);
	put16(b, 1);
	authority = fuzz_take_byte(in) & 1;
	while (n < RRS && in->n > 0) {
		put_rr(b, in);
		n++;
	}
	authority = n > 0 ? authority : 0;
	b->p[7] = (char)(n - authority);
	b->p[9] = (char)authority;
}

/* {"replies_tree": [the message]}, as a lookup leaves it; NULL: no message. */
static getdns_dict *
response(struct str wire)
{
	getdns_dict *msg = NULL, *resp = getdns_dict_create();
	getdns_list *list = getdns_list_create();
	char *exact = fuzz_exact(wire);

	if (getdns_wire2msg_dict((const uint8_t *)exact, wire.n, &msg) ==
	    GETDNS_RETURN_GOOD) {
		FUZZ_CHECK(getdns_list_set_dict(list, 0, msg) == 0);
		FUZZ_CHECK(
		    getdns_dict_set_list(resp, "replies_tree", list) == 0);
	} else {
		getdns_dict_destroy(resp);
		resp = NULL;
	}
	free(exact);
	getdns_dict_destroy(msg);
	getdns_list_destroy(list);
	return resp;
}

static void
check_reply(const struct rdata_reply *r, enum rr_type type)
{
	const char *name = r->qname[0] ? r->qname : ".";
	struct rr_set *s;

	FUZZ_CHECK(r->n <= RDATA_RRS_MAX);
	for (size_t i = 0; i < r->n; i++) {
		FUZZ_CHECK(fuzz_is_printable(str_of(r->rrs[i].owner), ""));
		FUZZ_CHECK(fuzz_is_printable(str_of(r->rrs[i].target), ""));
		FUZZ_CHECK(r->rrs[i].ttl <= INT32_MAX);
	}
	FUZZ_CHECK(r->qtype == (unsigned)type);
	FUZZ_CHECK(rdata_reply_matches(r, name, type));
	s = rdata_build(r, name, type);
	FUZZ_CHECK(s->type == type && (!s->secure || r->ad));
	FUZZ_CHECK(s->status == RR_OK || s->n == 0);
	FUZZ_CHECK(!r->malformed || s->status == RR_FAIL);
	rr_set_unref(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	enum rr_type type;
	getdns_dict *resp;
	struct rdata_reply r;
	struct arena a;
	struct buf wire;

	buf_init(&wire, WIRE_MAX);
	put_message(&wire, &type, &in);
	resp = wire.full ? NULL : response(buf_str(&wire));
	arena_init(&a);
	if (resp && dns_gdreply_read(resp, &a, &r) == 0)
		check_reply(&r, type);
	arena_clear(&a);
	getdns_dict_destroy(resp);
	buf_clear(&wire);
	return 0;
}
