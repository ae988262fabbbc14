/*
 * DANE for one host: what is asked, in which order, and what the answers come
 * to. A case lists the answers by question; the test asks as dane_next says
 * and notes each question, so the order is checked with the verdict.
 */
#include "config.h"

#include "tests/unit/t.h"

#include <stdio.h>
#include <stdlib.h>

#include "dane/dane_policy.h"
#include "relay/base/buf.h"

enum answer {
	NOT_ASKED,
	SEC, /* records, secure */
	INS, /* records, insecure */
	SEC_ALIAS, /* records behind a CNAME, all secure */
	INS_ALIAS, /* records behind a CNAME, insecure */
	NODATA_S,
	NODATA_I,
	NX_S,
	FAIL,
	UNUSABLE, /* secure TLSA 1 1 1 */
	MIXED /* secure TLSA 1 1 1 and 3 1 1 */
};

struct tcase {
	const char *name;
	enum answer a, aaaa, cname, final, host;
	const char *asked;
	enum dane_addr addr;
	enum dane_kind kind;
	const char *rule, *base;
};

#define HOST "mx.example"
#define FINAL "real.example"

static const struct tcase cases[] = {
    {"DANE-11 usable", SEC, SEC, 0, 0, SEC, "addr host", DANE_ADDR_OK,
	DANE_USABLE, "DANE-11", HOST},
    {"DANE-11 one usable is enough", SEC, SEC, 0, 0, MIXED, "addr host",
	DANE_ADDR_OK, DANE_USABLE, "DANE-11", HOST},
    {"DANE-12 unusable", SEC, SEC, 0, 0, UNUSABLE, "addr host", DANE_ADDR_OK,
	DANE_UNUSABLE, "DANE-12", HOST},
    {"DANE-13 secure denial", SEC, SEC, 0, 0, NX_S, "addr host", DANE_ADDR_OK,
	DANE_NONE, "DANE-13", ""},
    {"DANE-13 secure nodata", SEC, SEC, 0, 0, NODATA_S, "addr host",
	DANE_ADDR_OK, DANE_NONE, "DANE-13", ""},
    {"DANE-13 insecure TLSA", SEC, SEC, 0, 0, INS, "addr host", DANE_ADDR_OK,
	DANE_NONE, "DANE-13", ""},
    {"DANE-02 insecure nodata is no error", SEC, SEC, 0, 0, NODATA_I,
	"addr host", DANE_ADDR_OK, DANE_NONE, "DANE-13", ""},
    {"DANE-02 insecure addresses are no error", INS, NODATA_I, 0, 0, 0, "addr",
	DANE_ADDR_OK, DANE_NONE, "DANE-22", ""},
    {"DANE-02 nor is it when there are none", NODATA_I, NODATA_I, 0, 0, 0,
	"addr", DANE_ADDR_NONE, DANE_NONE, "DANE-23", ""},
    {"DANE-29 TLSA over an alias, the base stays", SEC, SEC, 0, 0, SEC_ALIAS,
	"addr host", DANE_ADDR_OK, DANE_USABLE, "DANE-11", HOST},
    {"DANE-30 TLSA over an insecure alias", SEC, SEC, 0, 0, INS_ALIAS,
	"addr host", DANE_ADDR_OK, DANE_NONE, "DANE-13", ""},
    {"DANE-07 TLSA fails", SEC, SEC, 0, 0, FAIL, "addr host", DANE_ADDR_OK,
	DANE_FAILED, "DANE-07", ""},
    {"DANE-22 insecure host", INS, INS, 0, 0, 0, "addr", DANE_ADDR_OK,
	DANE_NONE, "DANE-22", ""},
    {"DANE-22 insecure, other nodata", INS, NODATA_I, 0, 0, 0, "addr",
	DANE_ADDR_OK, DANE_NONE, "DANE-22", ""},
    {"DANE-23 no addresses", NODATA_S, NODATA_S, 0, 0, 0, "addr",
	DANE_ADDR_NONE, DANE_NONE, "DANE-23", ""},
    {"DANE-23 no name", NX_S, NX_S, 0, 0, 0, "addr", DANE_ADDR_NONE, DANE_NONE,
	"DANE-23", ""},
    {"DANE-06 both fail", FAIL, FAIL, 0, 0, 0, "addr", DANE_ADDR_FAIL,
	DANE_FAILED, "DANE-06", ""},
    {"DANE-06 one fails, other empty", FAIL, NODATA_S, 0, 0, 0, "addr",
	DANE_ADDR_FAIL, DANE_FAILED, "DANE-06", ""},
    {"DANE-06 the other way", NX_S, FAIL, 0, 0, 0, "addr", DANE_ADDR_FAIL,
	DANE_FAILED, "DANE-06", ""},
    {"DANE-56 AAAA fails, A secure", SEC, FAIL, 0, 0, SEC, "addr host",
	DANE_ADDR_OK, DANE_USABLE, "DANE-11", HOST},
    {"DANE-56 A fails, AAAA secure", FAIL, SEC, 0, 0, SEC, "addr host",
	DANE_ADDR_OK, DANE_USABLE, "DANE-11", HOST},
    {"DANE-56 A fails, AAAA insecure", FAIL, INS, 0, 0, 0, "addr", DANE_ADDR_OK,
	DANE_NONE, "DANE-22", ""},
    {"DANE-25 expanded name first", SEC_ALIAS, SEC_ALIAS, 0, SEC, 0,
	"addr final", DANE_ADDR_OK, DANE_USABLE, "DANE-11", FINAL},
    {"DANE-25 then the original", SEC_ALIAS, SEC_ALIAS, 0, NX_S, SEC,
	"addr final host", DANE_ADDR_OK, DANE_USABLE, "DANE-11", HOST},
    {"DANE-30 expanded one insecure", SEC_ALIAS, SEC_ALIAS, 0, INS, SEC,
	"addr final host", DANE_ADDR_OK, DANE_USABLE, "DANE-11", HOST},
    {"DANE-31 expanded one unusable", SEC_ALIAS, SEC_ALIAS, 0, UNUSABLE, 0,
	"addr final", DANE_ADDR_OK, DANE_UNUSABLE, "DANE-12", FINAL},
    {"DANE-07 expanded one fails", SEC_ALIAS, SEC_ALIAS, 0, FAIL, 0,
	"addr final", DANE_ADDR_OK, DANE_FAILED, "DANE-07", ""},
    {"DANE-07 original fails", SEC_ALIAS, SEC_ALIAS, 0, NX_S, FAIL,
	"addr final host", DANE_ADDR_OK, DANE_FAILED, "DANE-07", ""},
    {"DANE-13 neither name", SEC_ALIAS, SEC_ALIAS, 0, NODATA_S, NODATA_S,
	"addr final host", DANE_ADDR_OK, DANE_NONE, "DANE-13", ""},
    {"DANE-10 secure alias to insecure target", INS_ALIAS, INS_ALIAS, SEC, 0,
	SEC, "addr cname host", DANE_ADDR_OK, DANE_USABLE, "DANE-11", HOST},
    {"DANE-24 ... none at the original", INS_ALIAS, INS_ALIAS, SEC, 0, NX_S,
	"addr cname host", DANE_ADDR_OK, DANE_NONE, "DANE-13", ""},
    {"DANE-24 ... unusable there", INS_ALIAS, NODATA_I, SEC, 0, UNUSABLE,
	"addr cname host", DANE_ADDR_OK, DANE_UNUSABLE, "DANE-12", HOST},
    {"DANE-10 alias seen by AAAA alone", NODATA_I, INS_ALIAS, SEC, 0, SEC,
	"addr cname host", DANE_ADDR_OK, DANE_USABLE, "DANE-11", HOST},
    {"DANE-08 insecure alias", INS_ALIAS, INS_ALIAS, INS, 0, 0, "addr cname",
	DANE_ADDR_OK, DANE_NONE, "DANE-22", ""},
    {"DANE-08 alias gone", INS_ALIAS, INS_ALIAS, NODATA_S, 0, 0, "addr cname",
	DANE_ADDR_OK, DANE_NONE, "DANE-22", ""},
    {"DANE-09 alias fails", INS_ALIAS, INS_ALIAS, FAIL, 0, 0, "addr cname",
	DANE_ADDR_OK, DANE_FAILED, "DANE-09", ""},
    {"DANE-07 after the alias", INS_ALIAS, INS_ALIAS, SEC, 0, FAIL,
	"addr cname host", DANE_ADDR_OK, DANE_FAILED, "DANE-07", ""},
};

static struct rr_set *
make_tlsa(enum answer k)
{
	struct rr_set *s = rr_set_new(RR_TLSA, k == MIXED ? 2 : 1);
	uint8_t sha[32] = {7};
	struct str data = str_n((const char *)sha, sizeof(sha));

	rr_set_tlsa(s, 0, k == UNUSABLE || k == MIXED ? 1 : 3, 1, 1, data);
	if (k == MIXED)
		rr_set_tlsa(s, 1, 3, 1, 1, data);
	return s;
}

static struct rr_set *
make(enum rr_type type, enum answer k)
{
	bool alias = k == SEC_ALIAS || k == INS_ALIAS;
	struct rr_set *s;

	if (k == FAIL)
		s = rr_set_empty(type, RR_FAIL, RR_WHY_SERVFAIL);
	else if (k == NODATA_S || k == NODATA_I)
		s = rr_set_empty(type, RR_NODATA, RR_WHY_NONE);
	else if (k == NX_S)
		s = rr_set_empty(type, RR_NXDOMAIN, RR_WHY_NONE);
	else if (type == RR_TLSA)
		s = make_tlsa(k);
	else
		s = rr_set_new(type, 1);
	s->secure = k != INS && k != INS_ALIAS && k != NODATA_I && k != FAIL;
	s->has_cname = alias;
	snprintf(s->final_name, sizeof(s->final_name), "%s",
	    alias ? FINAL : "MX.Example");
	return s;
}

static void
note(struct buf *b, const char *word)
{
	if (b->n)
		buf_add_char(b, ' ');
	buf_add_cstr(b, word);
}

/* Plays one case; questions are noted in asked. */
static void
play(const struct tcase *c, bool on, struct buf *asked,
    struct dane_verdict *out, enum dane_addr *addr)
{
	struct dane_facts f = {.host = HOST, .port = 25};
	struct rr_set *sets[5] = {NULL};
	struct dane_step step;

	for (int i = 0; i < 10; i++) {
		dane_next(&f, on, &step);
		if (step.kind == DANE_DONE)
			break;
		switch (step.kind) {
		case DANE_ASK_ADDR:
			note(asked, "addr");
			f.a = sets[0] = make(RR_A, c->a);
			f.aaaa = sets[1] = make(RR_AAAA, c->aaaa);
			break;
		case DANE_ASK_CNAME:
			note(asked, "cname");
			f.cname = sets[2] = make(RR_CNAME, c->cname);
			break;
		case DANE_ASK_TLSA_FINAL:
			note(asked, "final");
			t_cstr(c->name, step.name, "_25._tcp." FINAL);
			f.tlsa_final = sets[3] = make(RR_TLSA, c->final);
			break;
		case DANE_ASK_TLSA_HOST:
			note(asked, "host");
			t_cstr(c->name, step.name, "_25._tcp." HOST);
			f.tlsa_host = sets[4] = make(RR_TLSA, c->host);
			break;
		case DANE_DONE:
			break;
		}
	}
	dane_judge(&f, on, out);
	*addr = dane_addr_state(&f);
	for (size_t i = 0; i < T_COUNT(sets); i++)
		rr_set_unref(sets[i]);
}

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		const struct tcase *c = &cases[i];
		struct dane_verdict v;
		enum dane_addr addr;
		struct buf asked;

		buf_init(&asked, 100);
		play(c, true, &asked, &v, &addr);
		t_is(c->name, buf_str(&asked), c->asked);
		t_int(c->name, (int)addr, (int)c->addr);
		t_cstr(c->name, dane_kind_str(v.kind), dane_kind_str(c->kind));
		t_cstr(c->name, v.rule, c->rule);
		t_cstr(c->name, v.base, c->base);
		t_int(c->name, (int)v.n_tlsa, v.kind == DANE_USABLE);
		t_int(c->name, (int)v.why,
		    v.kind == DANE_FAILED ? (int)RR_WHY_SERVFAIL
					  : (int)RR_WHY_NONE);
		dane_verdict_clear(&v);
		buf_clear(&asked);
	}
}

static void
test_off(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		const struct tcase *c = &cases[i];
		struct dane_verdict v;
		enum dane_addr addr;
		struct buf asked;

		buf_init(&asked, 100);
		play(c, false, &asked, &v, &addr);
		t_is(c->name, buf_str(&asked), "addr");
		t_int(c->name, (int)addr, (int)c->addr);
		t_cstr(c->name, dane_kind_str(v.kind),
		    c->addr == DANE_ADDR_FAIL ? "failed" : "none");
		dane_verdict_clear(&v);
		buf_clear(&asked);
	}
}

/* A name that would be too long with its prefix has no TLSA. */
static void
test_long_name(void **state)
{
	struct dane_facts f = {.port = 25};
	struct dane_verdict v;
	struct dane_step step;
	struct rr_set *a = make(RR_A, SEC), *aaaa = make(RR_AAAA, NODATA_S);
	char host[DOMAIN_MAX];

	(void)state;
	memset(host, 'x', sizeof(host));
	host[250] = '\0';
	memcpy(a->final_name, host, sizeof(host));
	f.host = host;
	f.a = a;
	f.aaaa = aaaa;
	dane_next(&f, true, &step);
	t_int("done", (int)step.kind, DANE_DONE);
	dane_judge(&f, true, &v);
	t_cstr("none", dane_kind_str(v.kind), "none");
	rr_set_unref(a);
	rr_set_unref(aaaa);
}

/* The expanded name is too long to be asked for, the original one is not. */
static void
test_long_expanded(void **state)
{
	struct dane_facts f = {.host = HOST, .port = 25};
	struct rr_set *a = make(RR_A, SEC_ALIAS), *none = make(RR_AAAA, NX_S);
	struct rr_set *tlsa = make(RR_TLSA, SEC);
	struct dane_verdict v;
	struct dane_step step;

	(void)state;
	memset(a->final_name, 'x', 250);
	a->final_name[250] = '\0';
	f.a = a;
	f.aaaa = none;
	dane_next(&f, true, &step);
	t_int("DANE-25", (int)step.kind, DANE_ASK_TLSA_HOST);
	t_cstr("DANE-25", step.name, "_25._tcp." HOST);
	f.tlsa_host = tlsa;
	dane_judge(&f, true, &v);
	t_cstr("usable", dane_kind_str(v.kind), "usable");
	t_cstr("base", v.base, HOST);
	dane_verdict_clear(&v);
	rr_set_unref(a);
	rr_set_unref(none);
	rr_set_unref(tlsa);
}

/* What was not answered has failed; it is never "none": DANE-06, DANE-59. */
static void
test_unanswered(void **state)
{
	struct rr_set *none = make(RR_A, NODATA_S);
	const struct dane_facts facts[] = {
	    {.host = HOST, .port = 25},
	    {.host = HOST, .port = 25, .a = none},
	    {.host = HOST, .port = 25, .aaaa = none},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(facts); i++) {
		struct dane_verdict v;
		struct dane_step step;

		t_int("state", (int)dane_addr_state(&facts[i]), DANE_ADDR_FAIL);
		dane_next(&facts[i], true, &step);
		t_int("asks", (int)step.kind, DANE_ASK_ADDR);
		dane_judge(&facts[i], true, &v);
		t_cstr("verdict", dane_kind_str(v.kind), "failed");
		t_cstr("rule", v.rule, "DANE-06");
		t_cstr("why", rr_why_str(v.why), i == 2 ? "none" : "timeout");
	}
	rr_set_unref(none);
}

static void
test_names(void **state)
{
	static const struct {
		const char *name;
		enum mx_security mx;
		const char *base, *next_hop, *expanded, *want;
	} rows[] = {
	    {"DANE-41 DANE-42", MX_SECURE, "mx.a", "dom.a", "dom.a",
		"mx.a dom.a "},
	    {"DANE-42 expanded next hop", MX_SECURE, "mx.a", "dom.a", "real.a",
		"mx.a dom.a real.a "},
	    {"DANE-42 no name twice", MX_SECURE, "dom.a", "DOM.a", "dom.a",
		"dom.a "},
	    {"DANE-43 insecure MX", MX_INSECURE, "mx.a", "dom.a", "real.a",
		"mx.a "},
	    {"DANE-44 no MX", MX_IMPLICIT, "real.a", "dom.a", "dom.a",
		"real.a dom.a "},
	    {"DANE-44 ... and no next hop", MX_IMPLICIT, "real.a", NULL, "",
		"real.a "},
	    {"DANE-42 not expanded", MX_SECURE, "mx.a", "dom.a", "",
		"mx.a dom.a "},
	    {"address literal", MX_LITERAL, "mx.a", "dom.a", "dom.a", "mx.a "},
	    {"DANE-27 relay host", MX_NEXTHOP, "real.a", "hub.a", "",
		"real.a hub.a "},
	};
	char names[4][DOMAIN_MAX];
	struct buf got;

	(void)state;
	buf_init(&got, 1000);
	for (size_t i = 0; i < T_COUNT(rows); i++) {
		size_t n = dane_names(rows[i].mx, rows[i].base,
		    rows[i].next_hop, rows[i].expanded, names, 4);

		buf_reset(&got);
		for (size_t j = 0; j < n; j++)
			buf_addf(&got, "%s ", names[j]);
		t_is(rows[i].name, buf_str(&got), rows[i].want);
	}
	t_int("room for one",
	    (int64_t)dane_names(MX_SECURE, "a.b", "c.d", "e.f", names, 1), 1);
	buf_clear(&got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_off),
	    cmocka_unit_test(test_long_name),
	    cmocka_unit_test(test_long_expanded),
	    cmocka_unit_test(test_unanswered),
	    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
