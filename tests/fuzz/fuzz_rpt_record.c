/*
 * The TXT record of TLSRPT. A record that is taken is taken again from its
 * URIs alone, with any blanks around ","; each URI is what it claims to be.
 */
#include "config.h"

#include "relay/tlsrpt/rpt_record.h"

#include "tests/fuzz/fuzz.h"

static void
check_diags(const struct diags *d, size_t bytes)
{
	for (size_t i = 0; i < d->n; i++) {
		FUZZ_CHECK(d->v[i].rule && d->v[i].text);
		FUZZ_CHECK(d->v[i].line >= 1 && d->v[i].column >= 1);
		FUZZ_CHECK(d->v[i].line + d->v[i].column <= bytes + 2);
	}
}

static void
check_uri(const struct rpt_uri *u)
{
	char addr[ADDR_MAX] = "", domain[DOMAIN_MAX] = "";

	/* RPT-03: these divide, so none is in a URI. */
	for (size_t i = 0; i < u->text.n; i++)
		FUZZ_CHECK(u->text.p[i] > ' ' && u->text.p[i] <= '~' &&
		    !strchr(",;!\"<>\\^`{|}", u->text.p[i]));
	if (u->scheme == RPT_MAILTO) {
		FUZZ_CHECK(str_starts_ci(u->text, STR("mailto:")));
		FUZZ_CHECK(rpt_uri_address(u, addr, domain) == 0);
		FUZZ_CHECK(addr[0] && domain[0]);
		FUZZ_CHECK(fuzz_is_printable(str_of(addr), ""));
	} else {
		FUZZ_CHECK(u->scheme == RPT_HTTPS);
		FUZZ_CHECK(str_starts_ci(u->text, STR("https://")));
		FUZZ_CHECK(u->text.n > 8);
	}
}

static void
check_again(const struct rpt_record *r, const char *between)
{
	struct rpt_record again;
	struct buf b;

	buf_init(&b, 1u << 20);
	buf_add_cstr(&b, "v=TLSRPTv1; rua=");
	for (size_t i = 0; i < r->n; i++) {
		buf_add_cstr(&b, i > 0 ? between : "");
		buf_add_str(&b, r->rua[i].text);
	}
	FUZZ_CHECK(rpt_record_parse(buf_str(&b), &again, NULL, NULL) == 0);
	FUZZ_CHECK(again.n == r->n && again.ignored == 0);
	for (size_t i = 0; i < r->n; i++) {
		FUZZ_CHECK(str_eq(again.rua[i].text, r->rua[i].text));
		FUZZ_CHECK(again.rua[i].scheme == r->rua[i].scheme);
	}
	buf_clear(&b);
}

static void
check_record(struct str txt, const struct rpt_record *r)
{
	FUZZ_CHECK(r->n >= 1 && r->n <= RPT_RUA_MAX);
	FUZZ_CHECK(str_starts(txt, STR("v=TLSRPTv1")));
	FUZZ_CHECK(fuzz_is_printable(txt, "\t"));
	for (size_t i = 0; i < r->n; i++) {
		FUZZ_CHECK(r->rua[i].text.p > txt.p &&
		    r->rua[i].text.p + r->rua[i].text.n <= txt.p + txt.n);
		check_uri(&r->rua[i]);
	}
	check_again(r, ",");
	check_again(r, " \t, ");
	check_again(r, "; rua=");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *exact = fuzz_exact(str_n((const char *)data, size));
	struct str txt = str_n(exact, size);
	struct diags faults, ignored;
	struct rpt_record r = {.n = 0};
	struct kvlist_pick pick;
	int err;

	diag_init(&faults, txt);
	diag_init(&ignored, txt);
	err = rpt_record_parse(txt, &r, &faults, &ignored);
	FUZZ_CHECK(err == 0 || err == ERR_NOTFOUND || err == ERR_SYNTAX);
	FUZZ_CHECK(faults.n == (err ? 1 : 0));
	check_diags(&faults, size);
	check_diags(&ignored, size);
	rpt_record_pick(&pick);
	kvlist_pick_add(&pick, txt);
	FUZZ_CHECK(
	    (kvlist_pick_one(&pick, &txt) == 0) == (err != ERR_NOTFOUND));
	if (!err) {
		FUZZ_CHECK(ignored.n <= r.ignored);
		check_record(txt, &r);
	} else {
		FUZZ_CHECK(r.n == 0);
	}
	free(exact);
	return 0;
}
