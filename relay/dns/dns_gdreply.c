/*
 * getdns's dicts to struct rdata_reply. Sizes come from the network: every
 * bindata is copied or borrowed with its length, and a record that misses a
 * part makes the whole reply malformed rather than being left out.
 */
#include "config.h"

#include "relay/dns/dns_gdreply.h"

#include <getdns/getdns.h>
#include <string.h>

#define CLASS_IN 1

static bool
get_int(getdns_dict *d, const char *key, uint32_t max, uint32_t *out)
{
	uint32_t v;

	if (getdns_dict_get_int(d, key, &v) != GETDNS_RETURN_GOOD || v > max)
		return false;
	*out = v;
	return true;
}

static bool
get_bytes(getdns_dict *d, const char *key, struct str *out)
{
	getdns_bindata *b;

	if (getdns_dict_get_bindata(d, key, &b) != GETDNS_RETURN_GOOD)
		return false;
	*out = str_n((const char *)b->data, b->size);
	return true;
}

static bool
get_name(getdns_dict *d, const char *key, char out[DOMAIN_MAX])
{
	struct str wire;

	return get_bytes(d, key, &wire) &&
	    rdata_name((const uint8_t *)wire.p, wire.n, out) == 0;
}

/* RFC 8461 3.1, RFC 7208 3.3: the strings of one record without spaces,
 * STS-04. */
static bool
get_txt(getdns_dict *rr, struct arena *a, struct str *out)
{
	getdns_list *strings;
	getdns_bindata *b;
	size_t i, count, n = 0;
	char *p;

	if (getdns_dict_get_list(rr, "/rdata/txt_strings", &strings) !=
		GETDNS_RETURN_GOOD ||
	    getdns_list_get_length(strings, &count) != GETDNS_RETURN_GOOD)
		return false;
	for (i = 0; i < count; i++) {
		if (getdns_list_get_bindata(strings, i, &b) !=
		    GETDNS_RETURN_GOOD)
			return false;
		n += b->size;
		if (n > RDATA_TXT_MAX)
			return false;
	}
	p = arena_alloc(a, n + 1);
	*out = str_n(p, n);
	for (i = 0; i < count; i++) {
		if (getdns_list_get_bindata(strings, i, &b) !=
		    GETDNS_RETURN_GOOD)
			return false;
		if (b->size > 0)
			memcpy(p, b->data, b->size);
		p += b->size;
	}
	return true;
}

static bool
get_tlsa(getdns_dict *rr, struct rdata_rr *out)
{
	uint32_t usage, selector, mtype;

	if (!get_int(rr, "/rdata/certificate_usage", 255, &usage) ||
	    !get_int(rr, "/rdata/selector", 255, &selector) ||
	    !get_int(rr, "/rdata/matching_type", 255, &mtype) ||
	    !get_bytes(rr, "/rdata/certificate_association_data", &out->data))
		return false;
	out->usage = (uint8_t)usage;
	out->selector = (uint8_t)selector;
	out->mtype = (uint8_t)mtype;
	return true;
}

static bool
get_mx(getdns_dict *rr, struct rdata_rr *out)
{
	uint32_t pref;

	if (!get_int(rr, "/rdata/preference", 65535, &pref))
		return false;
	out->pref = (uint16_t)pref;
	return get_name(rr, "/rdata/exchange", out->target);
}

static bool
get_rdata(getdns_dict *rr, struct arena *a, struct rdata_rr *out)
{
	switch (out->type) {
	case RR_A:
		return get_bytes(rr, "/rdata/ipv4_address", &out->data);
	case RR_AAAA:
		return get_bytes(rr, "/rdata/ipv6_address", &out->data);
	case RR_CNAME:
		return get_name(rr, "/rdata/cname", out->target);
	case RR_MX:
		return get_mx(rr, out);
	case RR_TXT:
		return get_txt(rr, a, &out->data);
	case RR_TLSA:
		return get_tlsa(rr, out);
	default:
		return true; /* only its TTL counts */
	}
}

/* The answer section; false: malformed. */
static bool
get_answer(getdns_dict *reply, struct arena *a, struct rdata_reply *out)
{
	getdns_list *l;
	struct rdata_rr *rrs;
	size_t i, n;

	if (getdns_dict_get_list(reply, "/answer", &l) != GETDNS_RETURN_GOOD ||
	    getdns_list_get_length(l, &n) != GETDNS_RETURN_GOOD ||
	    n > RDATA_RRS_MAX)
		return false;
	rrs = arena_alloc(a, (n + 1) * sizeof(*rrs));
	out->rrs = rrs;
	for (i = 0; i < n; i++) {
		struct rdata_rr *rr = &rrs[out->n];
		getdns_dict *d;
		uint32_t type, class, ttl;

		if (getdns_list_get_dict(l, i, &d) != GETDNS_RETURN_GOOD ||
		    !get_int(d, "/type", 65535, &type) ||
		    !get_int(d, "/class", 65535, &class) ||
		    !get_int(d, "/ttl", UINT32_MAX, &ttl) ||
		    !get_name(d, "/name", rr->owner))
			return false;
		if (class != CLASS_IN)
			continue;
		rr->type = type;
		/* RFC 2181 8: the top bit set means 0. */
		rr->ttl = ttl > INT32_MAX ? 0 : ttl;
		if (!get_rdata(d, a, rr))
			return false;
		out->n++;
	}
	return true;
}

static void
get_soa(getdns_dict *reply, struct rdata_reply *out)
{
	getdns_list *l;
	size_t i, n;

	if (getdns_dict_get_list(reply, "/authority", &l) !=
		GETDNS_RETURN_GOOD ||
	    getdns_list_get_length(l, &n) != GETDNS_RETURN_GOOD)
		return;
	for (i = 0; i < n && !out->has_soa; i++) {
		getdns_dict *d;
		uint32_t type;

		if (getdns_list_get_dict(l, i, &d) != GETDNS_RETURN_GOOD ||
		    !get_int(d, "/type", 65535, &type) || type != RR_SOA)
			continue;
		out->has_soa = get_int(d, "/ttl", INT32_MAX, &out->soa_ttl) &&
		    get_int(d, "/rdata/minimum", INT32_MAX, &out->soa_minimum);
	}
}

int
dns_gdreply_read(
    struct getdns_dict *resp, struct arena *a, struct rdata_reply *out)
{
	struct rdata_reply r = {0};
	getdns_list *l;
	getdns_dict *reply;
	uint32_t qtype, rcode, tc, ad;
	size_t n;

	if (getdns_dict_get_list(resp, "/replies_tree", &l) !=
		GETDNS_RETURN_GOOD ||
	    getdns_list_get_length(l, &n) != GETDNS_RETURN_GOOD || n != 1 ||
	    getdns_list_get_dict(l, 0, &reply) != GETDNS_RETURN_GOOD)
		return ERR_NOTFOUND;
	if (!get_name(reply, "/question/qname", r.qname) ||
	    !get_int(reply, "/question/qtype", 65535, &qtype) ||
	    !get_int(reply, "/header/rcode", 65535, &rcode) ||
	    !get_int(reply, "/header/tc", 1, &tc) ||
	    !get_int(reply, "/header/ad", 1, &ad))
		return ERR_SYNTAX;
	r.qtype = qtype;
	r.rcode = rcode;
	r.tc = tc == 1;
	r.ad = ad == 1;
	r.malformed = !get_answer(reply, a, &r);
	get_soa(reply, &r);
	*out = r;
	return 0;
}
