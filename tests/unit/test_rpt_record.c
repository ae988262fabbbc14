/* The TXT record at _smtp._tls. */
#include "config.h"

#include "tests/unit/t.h"

#include "relay/base/buf.h"
#include "relay/tlsrpt/rpt_record.h"

#define V "v=TLSRPTv1;"
#define M "mailto:r@d.example"

/* rua: each with a blank behind it; ignored: how many. */
static const struct {
	const char *name, *txt, *rua;
	size_t ignored;
} valid[] = {
    {"RPT-03 mailto", V "rua=mailto:reports@example.com",
	"mailto:reports@example.com ", 0},
    {"RPT-03 https", V " rua=https://reporting.example.com/v1/tlsrpt",
	"https://reporting.example.com/v1/tlsrpt ", 0},
    {"RPT-03 last delimiter", V " rua=" M "; ", M " ", 0},
    {"RPT-03 blanks before ;", "v=TLSRPTv1 \t; rua=" M " ;", M " ", 0},
    {"RPT-03 two", V "rua=" M ",https://a.example/x", M " https://a.example/x ",
	0},
    {"RPT-03 blanks around ,", V "rua=" M " \t, \thttps://a.example",
	M " https://a.example ", 0},
    {"RPT-03 two fields", V "rua=" M ";rua=https://a.example/",
	M " https://a.example/ ", 0},
    {"RPT-03 encoded , ! ;", V "rua=mailto:a%2Cb%21c%3bd@e.example",
	"mailto:a%2Cb%21c%3bd@e.example ", 0},
    {"RPT-03 encoded ! in an address", V "rua=mailto:a%21b@e.example",
	"mailto:a%21b@e.example ", 0},
    {"RPT-03 = & in a query", V "rua=https://a.example/?a=b&c=d%2C",
	"https://a.example/?a=b&c=d%2C ", 0},
    {"RPT-03 case of the scheme", V "rua=MailTo:a@b.example,HTTPS://b.c/",
	"MailTo:a@b.example HTTPS://b.c/ ", 0},
    {"RPT-03 mailto with fields", V "rua=mailto:a@b.example?subject=x%20y",
	"mailto:a@b.example?subject=x%20y ", 0},
    {"RPT-03 port", V "rua=https://a.example:8443/x,https://a.example:",
	"https://a.example:8443/x https://a.example: ", 0},
    {"RPT-03 addresses", V "rua=https://192.0.2.1/,https://[2001:db8::1]:1/",
	"https://192.0.2.1/ https://[2001:db8::1]:1/ ", 0},
    {"RPT-03 fragment", V "rua=https://a.example/x#y", "https://a.example/x#y ",
	0},
    {"RPT-02 unknown fields", V "a.b-c_d=x:y,!; rua=" M ";z=1", M " ", 0},
    {"RPT-02 RUA is another field", V "RUA=x;rua=" M, M " ", 0},
    {"RPT-02 a second version is one", V "rua=" M ";v=TLSRPTv2", M " ", 0},
    {"RPT-38 no scheme", V "rua=r@d.example," M, M " ", 1},
    {"RPT-38 other schemes", V "rua=http://a.example/,ftp:x," M, M " ", 2},
    {"RPT-38 mailto without address", V "rua=mailto:," M ",mailto:x", M " ", 2},
    {"RPT-38 https without host", V "rua=https:/x," M ",https:///y", M " ", 2},
};

static size_t
parse_into(
    struct str txt, struct buf *rua, struct diags *f, struct diags *i, int *err)
{
	struct rpt_record r = {.n = 0};

	buf_reset(rua);
	diag_init(f, txt);
	diag_init(i, txt);
	*err = rpt_record_parse(txt, &r, f, i);
	for (size_t j = 0; j < r.n; j++) {
		buf_add_str(rua, r.rua[j].text);
		buf_add_char(rua, ' ');
	}
	return r.ignored;
}

static void
test_valid(void **state)
{
	struct diags faults, ignored;
	struct buf rua;

	(void)state;
	buf_init(&rua, 4000);
	for (size_t i = 0; i < T_COUNT(valid); i++) {
		const char *name = valid[i].name;
		int err;
		size_t n = parse_into(
		    str_of(valid[i].txt), &rua, &faults, &ignored, &err);

		t_err(name, err, 0);
		t_is(name, buf_str(&rua), valid[i].rua);
		t_int(name, (int64_t)n, (int64_t)valid[i].ignored);
		t_int(name, (int64_t)ignored.n, (int64_t)valid[i].ignored);
		t_int(name, (int64_t)faults.n, 0);
	}
	buf_clear(&rua);
}

#define UNUSABLE "rua has no mailto or https URI that can be used"

static const struct {
	const char *name, *txt;
	int want;
	size_t column;
	const char *text;
} invalid[] = {
    {"RPT-01 empty", "", ERR_NOTFOUND, 1,
	"this does not begin with \"v=TLSRPTv1;\""},
    {"RPT-01 no delimiter", "v=TLSRPTv1", ERR_NOTFOUND, 1,
	"this does not begin with \"v=TLSRPTv1;\""},
    {"RPT-01 case of the version", "v=tlsrptv1;rua=" M, ERR_NOTFOUND, 1,
	"this does not begin with \"v=TLSRPTv1;\""},
    {"RPT-01 blank at the front", " " V "rua=" M, ERR_NOTFOUND, 1,
	"this does not begin with \"v=TLSRPTv1;\""},
    {"RPT-01 another", "v=TLSRPTv12;rua=" M, ERR_NOTFOUND, 1,
	"this does not begin with \"v=TLSRPTv1;\""},
    {"RPT-03 no rua", V, ERR_SYNTAX, 12, "rua is missing"},
    {"RPT-03 no rua beside others", V "a=b", ERR_SYNTAX, 15, "rua is missing"},
    {"RPT-03 rua empty", V "rua=", ERR_SYNTAX, 16, "an empty URI"},
    {"RPT-03 rua empty, ;", V "rua=;a=b", ERR_SYNTAX, 16, "an empty URI"},
    {"RPT-03 , at the end", V "rua=" M ",", ERR_SYNTAX, 35, "an empty URI"},
    {"RPT-03 two ,", V "rua=" M ",, " M, ERR_SYNTAX, 35, "an empty URI"},
    {"RPT-03 blank after =", V "rua= " M, ERR_SYNTAX, 16, "an empty URI"},
    {"RPT-03 blank before =", V "rua =" M, ERR_SYNTAX, 15,
	"a blank where a name or \"=\" must be"},
    {"RPT-03 blank, no ,", V "rua=" M " " M, ERR_SYNTAX, 35,
	"a blank in a value, or \";\" is missing"},
    {"RPT-03 blank at the end", V "rua=" M " ", ERR_SYNTAX, 35,
	"a blank at the end, without \";\""},
    {"RPT-03 ! as in DMARC", V "rua=" M "!10m", ERR_SYNTAX, 34,
	"\"!\" in a URI must be written \"%21\""},
    {"RPT-03 % alone", V "rua=mailto:a%2@b.example", ERR_SYNTAX, 24,
	"\"%\" in a URI without two hex digits"},
    {"RPT-03 % at the end", V "rua=mailto:a@b.example%4", ERR_SYNTAX, 34,
	"\"%\" in a URI without two hex digits"},
    {"RPT-03 quotes", V "rua=\"" M "\"", ERR_SYNTAX, 16,
	"a character that no URI has"},
    {"RPT-03 UTF-8", V "rua=mailto:\xc3\xa4@b.example", ERR_SYNTAX, 23,
	"a character that no URI has"},
    {"RPT-03 control", V "rua=" M "\x01", ERR_SYNTAX, 34,
	"a character that no URI has"},
    {"RPT-03 LF", V "rua=" M "\n", ERR_SYNTAX, 34,
	"a character that no URI has"},
    {"RPT-02 empty field", V ";rua=" M, ERR_SYNTAX, 12, "an empty field"},
    {"RPT-02 = in an unknown field", V "a=b=c;rua=" M, ERR_SYNTAX, 15,
	"\"=\" in a value"},
    {"RPT-38 no scheme", V "rua=r@d.example", ERR_SYNTAX, 16, UNUSABLE},
    {"RPT-38 http", V "rua=http://a.example/", ERR_SYNTAX, 16, UNUSABLE},
    {"RPT-38 blank domain", V "rua=mailto:a@", ERR_SYNTAX, 16, UNUSABLE},
    {"RPT-38 postmaster alone", V "rua=mailto:postmaster", ERR_SYNTAX, 16,
	UNUSABLE},
    {"RPT-38 NUL in an address", V "rua=mailto:a%00@b.example", ERR_SYNTAX, 16,
	UNUSABLE},
    {"RPT-38 two addresses", V "rua=mailto:a@b.example%2Cc@d.example",
	ERR_SYNTAX, 16, UNUSABLE},
    {"RPT-38 bracket in mailto", V "rua=mailto:a@b.example?[", ERR_SYNTAX, 16,
	UNUSABLE},
    {"RPT-38 fragment in mailto", V "rua=mailto:a@b.example#x", ERR_SYNTAX, 16,
	UNUSABLE},
    {"RPT-38 https without //", V "rua=https:a.example", ERR_SYNTAX, 16,
	UNUSABLE},
    {"RPT-38 user", V "rua=https://u:p@a.example/", ERR_SYNTAX, 16, UNUSABLE},
    {"RPT-38 port", V "rua=https://a.example:65536/", ERR_SYNTAX, 16, UNUSABLE},
    {"RPT-38 port of letters", V "rua=https://a.example:x/", ERR_SYNTAX, 16,
	UNUSABLE},
    {"RPT-38 address without []", V "rua=https://2001:db8::1:2/", ERR_SYNTAX,
	16, UNUSABLE},
    {"RPT-38 [ alone", V "rua=https://[::1/", ERR_SYNTAX, 16, UNUSABLE},
    {"RPT-38 4 in []", V "rua=https://[192.0.2.1]/", ERR_SYNTAX, 16, UNUSABLE},
    {"RPT-38 bracket in a path", V "rua=https://a.example/[", ERR_SYNTAX, 16,
	UNUSABLE},
    {"RPT-38 two #", V "rua=https://a.example/#a#b", ERR_SYNTAX, 16, UNUSABLE},
    {"RPT-38 host encoded", V "rua=https://a%2eexample/", ERR_SYNTAX, 16,
	UNUSABLE},
};

static void
test_invalid(void **state)
{
	struct diags faults, ignored;
	struct buf rua;

	(void)state;
	buf_init(&rua, 4000);
	for (size_t i = 0; i < T_COUNT(invalid); i++) {
		const char *name = invalid[i].name;
		struct str txt = str_of(invalid[i].txt);
		int err;

		(void)parse_into(txt, &rua, &faults, &ignored, &err);
		t_err(name, err, invalid[i].want);
		t_is(name, buf_str(&rua), "");
		t_int(name, (int64_t)faults.n, 1);
		t_cstr(name, faults.v[0].text, invalid[i].text);
		t_int(name, (int64_t)faults.v[0].column,
		    (int64_t)invalid[i].column);
		t_cstr(name, faults.v[0].rule,
		    err == ERR_NOTFOUND ? "RPT-01" : "RPT-03");
		if (strncmp(name, "RPT-38", 6) == 0) {
			t_int(name, (int64_t)ignored.n, 1);
			t_cstr(name, ignored.v[0].rule, "RPT-38");
		}
	}
	t_err("RPT-03 NUL",
	    rpt_record_parse(
		STR(V "rua=" M "\0;"), &(struct rpt_record){0}, NULL, NULL),
	    ERR_SYNTAX);
	buf_clear(&rua);
}

static void
test_limits(void **state)
{
	struct rpt_record r;
	struct diags ignored;
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	buf_add_cstr(&b, V "rua=" M);
	for (size_t i = 1; i < RPT_RUA_MAX; i++)
		buf_add_cstr(&b, "," M);
	t_err("all", rpt_record_parse(buf_str(&b), &r, NULL, NULL), 0);
	t_int("all", (int64_t)r.n, RPT_RUA_MAX);
	t_int("all", (int64_t)r.ignored, 0);
	buf_add_cstr(&b, "," M ";");
	diag_init(&ignored, buf_str(&b));
	t_err("more", rpt_record_parse(buf_str(&b), &r, NULL, &ignored), 0);
	t_int("more", (int64_t)r.n, RPT_RUA_MAX);
	t_int("more", (int64_t)r.ignored, 1);
	t_cstr("more", ignored.v[0].text, "more URIs than are used");

	buf_reset(&b);
	buf_add_cstr(&b, V "rua=mailto:");
	for (size_t i = 0; i < ADDR_MAX; i++)
		buf_add_char(&b, 'a');
	buf_add_cstr(&b, "@b.example");
	t_err("RPT-38 long address",
	    rpt_record_parse(buf_str(&b), &r, NULL, NULL), ERR_SYNTAX);
	buf_clear(&b);
}

static void
test_address(void **state)
{
	static const struct {
		const char *uri, *addr, *domain;
	} cases[] = {
	    {"mailto:Reports@Example.COM", "Reports@example.com",
		"example.com"},
	    {"MAILTO:a%2Bb%40c@d.example?subject=x", NULL, NULL},
	    {"mailto:a%2Bb@d.example?subject=x", "a+b@d.example", "d.example"},
	    {"mailto:a%40d.example", "a@d.example", "d.example"},
	    {"mailto:a%2Cb%3b@d.example", "\"a,b;\"@d.example", "d.example"},
	    {"mailto:a%00b@d.example", NULL, NULL},
	    {"mailto:%22@d.example", NULL, NULL},
	    {"mailto:%22a%20b%22@d.example", "\"a b\"@d.example", "d.example"},
	    {"mailto:a@[192.0.2.1]", "a@[192.0.2.1]", "[192.0.2.1]"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct rpt_uri uri = {RPT_MAILTO, str_of(cases[i].uri)};
		char addr[ADDR_MAX] = "", domain[DOMAIN_MAX] = "";
		int err = rpt_uri_address(&uri, addr, domain);

		t_err(cases[i].uri, err, cases[i].addr ? 0 : ERR_SYNTAX);
		if (err)
			continue;
		t_cstr(cases[i].uri, addr, cases[i].addr);
		t_cstr(cases[i].uri, domain, cases[i].domain);
	}
	t_cstr("scheme", rpt_scheme_str(RPT_MAILTO), "mailto");
	t_cstr("scheme", rpt_scheme_str(RPT_HTTPS), "https");
}

static void
test_pick(void **state)
{
	struct kvlist_pick p;
	struct str one;

	(void)state;
	rpt_record_pick(&p);
	kvlist_pick_add(&p, STR("v=spf1 -all"));
	t_err("RPT-01 none", kvlist_pick_one(&p, &one), ERR_NOTFOUND);
	kvlist_pick_add(&p, STR(V "rua=" M));
	t_err("RPT-01 one", kvlist_pick_one(&p, &one), 0);
	t_is("RPT-01 one", one, V "rua=" M);
	kvlist_pick_add(&p, STR(V));
	t_err("RPT-01 two", kvlist_pick_one(&p, &one), ERR_EXISTS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_valid),
	    cmocka_unit_test(test_invalid),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_address),
	    cmocka_unit_test(test_pick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
