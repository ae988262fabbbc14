/* Wire names, and replies to answers: RESOLVER.md 1.3, RFC 2308. */
#include "config.h"

#include "tests/unit/t.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/dns/rdata.h"

#define WIRE(lit) (const uint8_t *)(lit), sizeof(lit) - 1

static void
test_name(void **state)
{
	static const struct {
		const char *name;
		const uint8_t *p;
		size_t n;
		int err;
		const char *want;
	} cases[] = {
	    {"plain", WIRE("\2mx\7example\3org\0"), 0, "mx.example.org"},
	    {"folded", WIRE("\2MX\7eXample\0"), 0, "mx.example"},
	    {"underscore", WIRE("\3_25\4_tcp\0"), 0, "_25._tcp"},
	    {"root", WIRE("\0"), 0, ""},
	    {"space", WIRE("\3a b\0"), 0, "a\\032b"},
	    {"dot in a label", WIRE("\3a.b\0"), 0, "a\\046b"},
	    {"backslash", WIRE("\1\\\0"), 0, "\\092"},
	    {"high byte", WIRE("\1\xff\0"), 0, "\\255"},
	    {"NUL in a label", WIRE("\3a\0b\0"), 0, "a\\000b"},
	    {"empty", WIRE(""), ERR_SYNTAX, NULL},
	    {"no root", WIRE("\2mx"), ERR_SYNTAX, NULL},
	    {"label past the end", WIRE("\5mx\0"), ERR_SYNTAX, NULL},
	    {"pointer", WIRE("\xc0\x0c"), ERR_SYNTAX, NULL},
	    {"label of 64", WIRE("\x40"), ERR_SYNTAX, NULL},
	    {"bytes behind it", WIRE("\2mx\0x"), ERR_SYNTAX, NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < T_COUNT(cases); i++) {
		char out[DOMAIN_MAX] = "untouched";

		t_err(cases[i].name, rdata_name(cases[i].p, cases[i].n, out),
		    cases[i].err);
		t_cstr(cases[i].name, out,
		    cases[i].err ? "untouched" : cases[i].want);
	}
}

/* The longest name fits, one byte more does not. */
static void
test_name_length(void **state)
{
	uint8_t wire[300];
	char out[DOMAIN_MAX];
	size_t i, n = 0;

	(void)state;
	memset(wire, 'a', sizeof(wire));
	for (i = 0; i < 3; i++) {
		wire[n] = 63;
		n += 64;
	}
	wire[n] = 61;
	n += 62;
	wire[n++] = 0;
	t_int("wire", (int64_t)n, 255);
	t_err("255 octets", rdata_name(wire, n, out), 0);
	t_int("text", (int64_t)strlen(out), 253);
	t_bool("may be asked", rdata_name_ok(out), true);
	wire[192] = 62;
	wire[n - 1] = 'a';
	wire[n++] = 0;
	t_err("256 octets", rdata_name(wire, n, out), ERR_SYNTAX);
	memset(wire + 1, 1, 63);
	n = 64;
	memset(wire + 65, 1, 63);
	wire[64] = 63;
	wire[128] = 0;
	t_err("escapes don't fit", rdata_name(wire, 129, out), ERR_TOOBIG);
}

static void
test_name_ok(void **state)
{
	static const struct {
		const char *name;
		bool want;
	} cases[] = {
	    {"example.org", true},
	    {"_25._tcp.MX-1.example", true},
	    {"a", true},
	    {".", true},
	    {"", false},
	    {"example.org.", false},
	    {".example", false},
	    {"a..b", false},
	    {"a b.example", false},
	    {"a\\032b.example", false},
	    {"caf\xc3\xa9.example", false},
	    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	     ".b",
		true},
	    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	     ".b",
		false},
	};
	char longest[300];
	size_t i;

	(void)state;
	for (i = 0; i < T_COUNT(cases); i++)
		t_bool(
		    cases[i].name, rdata_name_ok(cases[i].name), cases[i].want);
	for (i = 0; i + 1 < sizeof(longest); i++)
		longest[i] = i % 2 ? '.' : 'a';
	longest[253] = '\0';
	t_bool("253 bytes", rdata_name_ok(longest), true);
	longest[253] = '.';
	longest[255] = '\0';
	t_bool("255 bytes", rdata_name_ok(longest), false);
}

/* ---- answers ---- */

#define RRS_MAX 40

struct reply {
	struct rdata_reply r;
	struct rdata_rr rrs[RRS_MAX];
};

static struct rdata_rr *
add(struct reply *p, const char *owner, unsigned type, uint32_t ttl)
{
	struct rdata_rr *rr = &p->rrs[p->r.n++];

	memset(rr, 0, sizeof(*rr));
	memcpy(rr->owner, owner, strlen(owner) + 1);
	rr->type = type;
	rr->ttl = ttl;
	p->r.rrs = p->rrs;
	return rr;
}

static void
add_cname(struct reply *p, const char *owner, const char *target, uint32_t ttl)
{
	struct rdata_rr *rr = add(p, owner, RR_CNAME, ttl);

	memcpy(rr->target, target, strlen(target) + 1);
}

static void
add_a(struct reply *p, const char *owner, uint32_t ttl)
{
	add(p, owner, RR_A, ttl)->data = STR("\x7f\0\0\1");
}

static void
reply_init(struct reply *p, unsigned rcode)
{
	memset(p, 0, sizeof(*p));
	p->r.rcode = rcode;
	p->r.ad = true;
	memcpy(p->r.qname, "a.test", 7);
	p->r.qtype = RR_A;
}

static void
check(const char *name, const struct reply *p, enum rr_type type,
    enum rr_status status, enum rr_why why, bool secure, const char *final,
    size_t n, uint32_t ttl)
{
	struct rr_set *s = rdata_build(&p->r, "a.test", type);

	t_cstr(name, rr_status_str(s->status), rr_status_str(status));
	t_cstr(name, rr_why_str(s->why), rr_why_str(why));
	t_bool(name, s->secure, secure);
	t_cstr(name, s->final_name, final);
	t_int(name, (int64_t)s->n, (int64_t)n);
	t_int(name, s->ttl, ttl);
	t_int(name, s->type, type);
	t_int(name, s->refs, 1);
	rr_set_unref(s);
}

static void
test_matches(void **state)
{
	struct reply p;

	(void)state;
	reply_init(&p, 0);
	t_bool("same", rdata_reply_matches(&p.r, "A.Test", RR_A), true);
	t_bool("other name", rdata_reply_matches(&p.r, "b.test", RR_A), false);
	t_bool("other type", rdata_reply_matches(&p.r, "a.test", RR_MX), false);
	p.r.qname[0] = '\0';
	t_bool("root", rdata_reply_matches(&p.r, ".", RR_A), true);
}

/* RESOLVER.md 1.3 step 3 and 4; DANE-01 */
static void
test_failures(void **state)
{
	static const struct {
		const char *name;
		unsigned rcode;
		bool tc, malformed;
		enum rr_why why;
	} cases[] = {
	    {"DANE-01 SERVFAIL", 2, false, false, RR_WHY_SERVFAIL},
	    {"FORMERR", 1, false, false, RR_WHY_REFUSED},
	    {"NOTIMP", 4, false, false, RR_WHY_REFUSED},
	    {"REFUSED", 5, false, false, RR_WHY_REFUSED},
	    {"BADVERS", 16, false, false, RR_WHY_REFUSED},
	    {"SERVFAIL comes before TC", 2, true, true, RR_WHY_SERVFAIL},
	    {"truncated", 0, true, false, RR_WHY_MALFORMED},
	    {"malformed", 0, false, true, RR_WHY_MALFORMED},
	    {"malformed NXDOMAIN", 3, false, true, RR_WHY_MALFORMED},
	};
	struct rr_set *s;
	size_t i;

	(void)state;
	for (i = 0; i < T_COUNT(cases); i++) {
		struct reply p;

		reply_init(&p, cases[i].rcode);
		add_a(&p, "a.test", 60);
		p.r.tc = cases[i].tc;
		p.r.malformed = cases[i].malformed;
		check(cases[i].name, &p, RR_A, RR_FAIL, cases[i].why, false,
		    "a.test", 0, 0);
	}
	s = rdata_fail("x.test", RR_MX, RR_WHY_TIMEOUT);
	t_cstr("fail", s->final_name, "x.test");
	t_int("fail", s->why, RR_WHY_TIMEOUT);
	rr_set_unref(s);
}

/* DANE-04, RFC 2308 5 */
static void
test_negative(void **state)
{
	static const struct {
		const char *name;
		unsigned rcode;
		bool ad, soa;
		uint32_t soa_ttl, minimum;
		enum rr_status status;
		uint32_t ttl;
	} cases[] = {
	    {"DANE-04 NODATA", 0, true, true, 100, 30, RR_NODATA, 30},
	    {"NODATA, SOA's TTL less", 0, true, true, 20, 30, RR_NODATA, 20},
	    {"DANE-04 NXDOMAIN", 3, true, true, 100, 30, RR_NXDOMAIN, 30},
	    {"DANE-02 DANE-04 insecure", 3, false, true, 100, 30, RR_NXDOMAIN,
		30},
	    {"no SOA", 0, true, false, 0, 0, RR_NODATA, RDATA_NO_SOA_TTL},
	    {"TTL 0", 0, true, true, 0, 30, RR_NODATA, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < T_COUNT(cases); i++) {
		struct reply p;

		reply_init(&p, cases[i].rcode);
		p.r.ad = cases[i].ad;
		p.r.has_soa = cases[i].soa;
		p.r.soa_ttl = cases[i].soa_ttl;
		p.r.soa_minimum = cases[i].minimum;
		check(cases[i].name, &p, RR_TLSA, cases[i].status, RR_WHY_NONE,
		    cases[i].ad, "a.test", 0, cases[i].ttl);
	}
}

/* SMTP-14, DANE-09 */
static void
test_chain(void **state)
{
	struct reply p;
	unsigned i;

	(void)state;
	reply_init(&p, 0);
	add_a(&p, "c.test", 60);
	add_cname(&p, "b.test", "C.test", 20);
	add_cname(&p, "A.test", "b.test", 40);
	check("any order, least TTL", &p, RR_A, RR_OK, RR_WHY_NONE, true,
	    "C.test", 1, 20);
	p.r.ad = false;
	check("DANE-08 insecure", &p, RR_A, RR_OK, RR_WHY_NONE, false, "C.test",
	    1, 20);

	reply_init(&p, 3);
	add_cname(&p, "a.test", "b.test", 3);
	p.r.has_soa = true;
	p.r.soa_ttl = p.r.soa_minimum = 50;
	check("to NXDOMAIN", &p, RR_A, RR_NXDOMAIN, RR_WHY_NONE, true, "b.test",
	    0, 3);

	reply_init(&p, 0);
	add_cname(&p, "a.test", "b.test", 9);
	check("the CNAME itself", &p, RR_CNAME, RR_OK, RR_WHY_NONE, true,
	    "a.test", 1, 9);
	check("to NODATA", &p, RR_A, RR_NODATA, RR_WHY_NONE, true, "b.test", 0,
	    RDATA_NO_SOA_TTL);

	reply_init(&p, 0);
	add_cname(&p, "a.test", "b.test", 9);
	add_cname(&p, "b.test", "a.test", 9);
	check("loop", &p, RR_A, RR_FAIL, RR_WHY_CNAME_LOOP, false, "a.test", 0,
	    0);

	reply_init(&p, 0);
	add_cname(&p, "a.test", "b.test", 9);
	add_cname(&p, "a.test", "c.test", 9);
	check("two targets", &p, RR_A, RR_FAIL, RR_WHY_MALFORMED, false,
	    "a.test", 0, 0);

	reply_init(&p, 0);
	add_a(&p, "other.test", 60);
	check("records of another owner", &p, RR_A, RR_NODATA, RR_WHY_NONE,
	    true, "a.test", 0, RDATA_NO_SOA_TTL);

	for (i = 10; i <= 11; i++) {
		unsigned k;

		reply_init(&p, 0);
		for (k = 0; k < i; k++) {
			char from[24] = "a.test", to[24];

			if (k > 0)
				(void)snprintf(
				    from, sizeof(from), "n%u.test", k);
			(void)snprintf(to, sizeof(to), "n%u.test", k + 1);
			add_cname(&p, from, to, 9);
		}
		if (i == 10) {
			add_a(&p, "n10.test", 60);
			check("10 links", &p, RR_A, RR_OK, RR_WHY_NONE, true,
			    "n10.test", 1, 9);
		} else {
			add_a(&p, "n11.test", 60);
			check("11 links", &p, RR_A, RR_FAIL, RR_WHY_CNAME_LOOP,
			    false, "a.test", 0, 0);
		}
	}
}

static void
test_records(void **state)
{
	struct reply p;
	struct rr_set *s;
	struct rdata_rr *rr;

	(void)state;
	reply_init(&p, 0);
	rr = add(&p, "a.test", RR_MX, 60);
	rr->pref = 10;
	memcpy(rr->target, "mx.test", 8);
	add(&p, "a.test", RR_MX, 50);
	s = rdata_build(&p.r, "a.test", RR_MX);
	t_int("mx", (int64_t)s->n, 2);
	t_int("pref", s->u.mx[0].pref, 10);
	t_cstr("host", s->u.mx[0].host, "mx.test");
	t_cstr("root", s->u.mx[1].host, "");
	rr_set_unref(s);

	reply_init(&p, 0);
	rr = add(&p, "a.test", RR_TLSA, 60);
	rr->usage = 3;
	rr->selector = 1;
	rr->mtype = 2;
	rr->data = STR("hash");
	s = rdata_build(&p.r, "a.test", RR_TLSA);
	t_int("usage", s->u.tlsa[0].usage, 3);
	t_int("selector", s->u.tlsa[0].selector, 1);
	t_int("mtype", s->u.tlsa[0].mtype, 2);
	t_is(
	    "data", str_n((char *)s->u.tlsa[0].data, s->u.tlsa[0].len), "hash");
	rr_set_unref(s);

	reply_init(&p, 0);
	add(&p, "a.test", RR_TXT, 60)->data = STR("v=STSv1; id=1;");
	s = rdata_build(&p.r, "a.test", RR_TXT);
	t_is("txt", s->u.txt[0], "v=STSv1; id=1;");
	rr_set_unref(s);

	reply_init(&p, 0);
	add_cname(&p, "a.test", "b.test", 60);
	add(&p, "b.test", RR_TXT, 60)->data = STR("v=STSv1; id=2;");
	s = rdata_build(&p.r, "a.test", RR_TXT);
	t_int("STS-05 alias of a TXT", (int64_t)s->n, 1);
	t_is("STS-05 alias of a TXT", s->u.txt[0], "v=STSv1; id=2;");
	rr_set_unref(s);

	reply_init(&p, 0);
	add(&p, "a.test", RR_AAAA, 60)->data = STR("0123456789abcdef");
	s = rdata_build(&p.r, "a.test", RR_AAAA);
	t_int("family", s->u.addr[0].family, 6);
	t_int("last", s->u.addr[0].ip[15], 'f');
	rr_set_unref(s);

	reply_init(&p, 0);
	add(&p, "a.test", RR_NS, 60);
	check("NS has no records to see", &p, RR_NS, RR_OK, RR_WHY_NONE, true,
	    "a.test", 0, 60);
}

/* One record that does not fit fails the lookup: DANE-07 */
static void
test_bad_records(void **state)
{
	static const char big[RDATA_TXT_MAX + 1] = {0};
	static const struct {
		const char *name;
		enum rr_type type;
		size_t n;
		bool ok;
	} cases[] = {
	    {"A of 3", RR_A, 3, false},
	    {"A of 16", RR_A, 16, false},
	    {"AAAA of 4", RR_AAAA, 4, false},
	    {"AAAA of 0", RR_AAAA, 0, false},
	    {"TLSA of 0", RR_TLSA, 0, true},
	    {"TLSA as long as may be", RR_TLSA, RR_TLSA_MAX, true},
	    {"TLSA too long", RR_TLSA, RR_TLSA_MAX + 1, false},
	    {"TXT as long as may be", RR_TXT, RDATA_TXT_MAX, true},
	    {"TXT too long", RR_TXT, RDATA_TXT_MAX + 1, false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < T_COUNT(cases); i++) {
		struct reply p;

		reply_init(&p, 0);
		add(&p, "a.test", (unsigned)cases[i].type, 60)->data = str_n(
		    big, cases[i].n);
		if (cases[i].ok)
			check(cases[i].name, &p, cases[i].type, RR_OK,
			    RR_WHY_NONE, true, "a.test", 1, 60);
		else
			check(cases[i].name, &p, cases[i].type, RR_FAIL,
			    RR_WHY_MALFORMED, false, "a.test", 0, 0);
	}
}

static void
test_many(void **state)
{
	struct rdata_reply r = {.ad = true};
	size_t i, n = RDATA_RRS_MAX + 1;
	struct rdata_rr *rrs = xcalloc(n, sizeof(*rrs));
	struct rr_set *s;

	(void)state;
	for (i = 0; i < n; i++) {
		memcpy(rrs[i].owner, "a.test", 7);
		rrs[i].type = RR_A;
		rrs[i].data = STR("abcd");
	}
	r.rrs = rrs;
	r.n = n - 1;
	s = rdata_build(&r, "a.test", RR_A);
	t_int("all", (int64_t)s->n, RDATA_RRS_MAX);
	rr_set_unref(s);
	r.n = n;
	s = rdata_build(&r, "a.test", RR_A);
	t_cstr("too many", rr_why_str(s->why), "malformed");
	rr_set_unref(s);
	free(rrs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_name),
	    cmocka_unit_test(test_name_length),
	    cmocka_unit_test(test_name_ok),
	    cmocka_unit_test(test_matches),
	    cmocka_unit_test(test_failures),
	    cmocka_unit_test(test_negative),
	    cmocka_unit_test(test_chain),
	    cmocka_unit_test(test_records),
	    cmocka_unit_test(test_bad_records),
	    cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
