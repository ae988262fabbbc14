/* Counted answers, addresses as text, TLSA records. */
#include "config.h"

#include "tests/unit/t.h"

#include "relay/base/buf.h"
#include "relay/model/rr.h"

static void
test_names(void **state)
{
	static const struct {
		enum rr_type type;
		const char *want;
	} types[] = {
	    {RR_A, "A"},
	    {RR_NS, "NS"},
	    {RR_CNAME, "CNAME"},
	    {RR_SOA, "SOA"},
	    {RR_MX, "MX"},
	    {RR_TXT, "TXT"},
	    {RR_AAAA, "AAAA"},
	    {RR_TLSA, "TLSA"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < T_COUNT(types); i++)
		t_cstr("type", rr_type_str(types[i].type), types[i].want);
	t_cstr("status", rr_status_str(RR_NXDOMAIN), "nxdomain");
	t_cstr("status", rr_status_str(RR_FAIL), "fail");
	t_cstr("why", rr_why_str(RR_WHY_NONE), "none");
	t_cstr("why", rr_why_str(RR_WHY_BOGUS), "bogus");
	t_cstr("why", rr_why_str(RR_WHY_UNTRUSTED), "resolver-untrusted");
}

static void
test_addr(void **state)
{
	static const struct {
		const char *in;
		int err;
		unsigned family;
		const char *want;
	} cases[] = {
	    {"192.0.2.1", 0, 4, "192.0.2.1"},
	    {"0.0.0.0", 0, 4, "0.0.0.0"},
	    {"2001:DB8::1", 0, 6, "2001:db8::1"},
	    {"::", 0, 6, "::"},
	    {"::ffff:192.0.2.1", 0, 6, "::ffff:192.0.2.1"},
	    {"", ERR_SYNTAX, 0, NULL},
	    {"192.0.2", ERR_SYNTAX, 0, NULL},
	    {"192.0.2.256", ERR_SYNTAX, 0, NULL},
	    {"192.0.2.1 ", ERR_SYNTAX, 0, NULL},
	    {"[::1]", ERR_SYNTAX, 0, NULL},
	    {"::1%eth0", ERR_SYNTAX, 0, NULL},
	    {"example.com", ERR_SYNTAX, 0, NULL},
	    {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cc",
		ERR_SYNTAX, 0, NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < T_COUNT(cases); i++) {
		struct rr_addr a = {0};
		char text[RR_ADDR_TEXT];

		t_err(cases[i].in, rr_addr_parse(str_of(cases[i].in), &a),
		    cases[i].err);
		t_int(cases[i].in, a.family, cases[i].family);
		if (cases[i].err)
			continue;
		rr_addr_str(&a, text);
		t_cstr(cases[i].in, text, cases[i].want);
	}
	{
		struct rr_addr a = {0};

		t_err(
		    "NUL inside", rr_addr_parse(STR("::1\0"), &a), ERR_SYNTAX);
	}
}

static void
test_counts(void **state)
{
	struct rr_set *s = rr_set_new(RR_TLSA, 2);

	(void)state;
	t_int("refs", s->refs, 1);
	t_int("n", (int64_t)s->n, 2);
	rr_set_tlsa(s, 0, 3, 1, 1, STR("abc"));
	rr_set_tlsa(s, 0, 2, 0, 2, STR("de"));
	t_int("set again", s->u.tlsa[0].len, 2);
	t_int("usage", s->u.tlsa[0].usage, 2);
	t_bool("ref is the same", rr_set_ref(s) == s, true);
	t_int("refs", s->refs, 2);
	rr_set_unref(s);
	t_int("refs", s->refs, 1);
	rr_set_unref(s);
	rr_set_unref(NULL);

	s = rr_set_new(RR_NS, 3);
	t_int("NS has no array", (int64_t)s->n, 0);
	rr_set_unref(s);

	s = rr_set_empty(RR_MX, RR_FAIL, RR_WHY_BOGUS);
	t_int("empty", (int64_t)s->n, 0);
	t_cstr("empty", rr_status_str(s->status), "fail");
	t_cstr("empty", rr_why_str(s->why), "bogus");
	rr_set_unref(s);
}

static void
test_txt(void **state)
{
	struct rr_set *s = rr_set_new(RR_TXT, 3);
	char text[] = "v=STSv1; id=1";

	(void)state;
	rr_set_txt(s, 0, str_of(text));
	rr_set_txt(s, 1, STR(""));
	rr_set_txt(s, 2, STR("old"));
	rr_set_txt(s, 2, STR("new"));
	memset(text, 'x', sizeof(text) - 1);
	t_is("copied", s->u.txt[0], "v=STSv1; id=1");
	t_is("empty", s->u.txt[1], "");
	t_is("set again", s->u.txt[2], "new");
	rr_set_unref(s);
}

/* A copy owns its records, and may be changed. */
static void
test_dup(void **state)
{
	static const enum rr_type types[] = {
	    RR_A, RR_AAAA, RR_CNAME, RR_MX, RR_TXT, RR_TLSA, RR_NS, RR_SOA};
	size_t i;

	(void)state;
	for (i = 0; i < T_COUNT(types); i++) {
		const char *name = rr_type_str(types[i]);
		struct rr_set *s = rr_set_new(types[i], 1), *d;

		s->secure = true;
		s->has_cname = true;
		s->ttl = 77;
		memcpy(s->final_name, "a.test", 7);
		if (types[i] == RR_A)
			s->u.addr[0].ip[3] = 9;
		if (types[i] == RR_MX)
			memcpy(s->u.mx[0].host, "mx.test", 8);
		if (types[i] == RR_CNAME)
			memcpy(s->u.cname[0], "c.test", 7);
		if (types[i] == RR_TXT)
			rr_set_txt(s, 0, STR("text"));
		if (types[i] == RR_TLSA)
			rr_set_tlsa(s, 0, 3, 1, 1, STR("data"));
		d = rr_set_dup(s);
		d->secure = false;
		t_bool(name, s->secure, true);
		rr_set_unref(s);
		t_int(name, d->refs, 1);
		t_bool(name, d->has_cname, true);
		t_int(name, d->ttl, 77);
		t_cstr(name, d->final_name, "a.test");
		if (types[i] == RR_A)
			t_int(name, d->u.addr[0].ip[3], 9);
		if (types[i] == RR_MX)
			t_cstr(name, d->u.mx[0].host, "mx.test");
		if (types[i] == RR_CNAME)
			t_cstr(name, d->u.cname[0], "c.test");
		if (types[i] == RR_TXT)
			t_is(name, d->u.txt[0], "text");
		if (types[i] == RR_TLSA)
			t_is(name,
			    str_n((char *)d->u.tlsa[0].data, d->u.tlsa[0].len),
			    "data");
		rr_set_unref(d);
	}
}

static void
test_tlsa_array(void **state)
{
	struct rr_set *s = rr_set_new(RR_TLSA, 2);
	struct rr_tlsa *v;
	struct buf b;

	(void)state;
	rr_set_tlsa(s, 0, 3, 1, 1, STR("\xab\x12"));
	rr_set_tlsa(s, 1, 2, 0, 1, STR(""));
	v = rr_tlsa_dup(s->u.tlsa, s->n);
	rr_set_unref(s);
	buf_init(&b, 100);
	rr_tlsa_text(&b, &v[0]);
	t_is("text", buf_str(&b), "3 1 1 ab12");
	buf_reset(&b);
	rr_tlsa_text(&b, &v[1]);
	t_is("no data", buf_str(&b), "2 0 1 ");
	buf_clear(&b);
	rr_tlsa_free(v, 2);
	t_bool("none", rr_tlsa_dup(NULL, 0) == NULL, true);
	rr_tlsa_free(NULL, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_addr),
	    cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_txt),
	    cmocka_unit_test(test_dup),
	    cmocka_unit_test(test_tlsa_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
