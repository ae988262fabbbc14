/* Site sections: rules for single domains. */
#include "relay/config/conf_site.h"

#include "tests/unit/conf_make.h"

#define LOOSER \
	" is looser than the default and needs a reason and the day it " \
	"expires\n"

static const struct {
	struct make m;
	const char *domain; /* NULL: no rule comes of it */
	enum site_require require;
	const char *nexthop;
	const char *want;
} cases[] = {
    {{"site", "Example.COM.", {{"require", "dane"}}}, "example.com", SITE_DANE,
	NULL, ""},
    {{"site", ".example.com", {{"require", "sts"}}}, ".example.com", SITE_STS,
	NULL, ""},
    {{"site", "a", {{"require", "verified"}}}, "a", SITE_VERIFIED, NULL, ""},
    {{"site", "a", {{"require", "encrypted"}}}, "a", SITE_ENCRYPTED, NULL, ""},
    {{"site", "a", {{"nexthop", "MX.example"}}}, "a", SITE_DEFAULT,
	"mx.example", ""},
    {{"site", "a", {{"nexthop", "mx.example:2525"}}}, "a", SITE_DEFAULT,
	"mx.example:2525", ""},
    {{"site", "a", {{"nexthop", "[192.0.2.1]"}}}, "a", SITE_DEFAULT,
	"[192.0.2.1]", ""},
    {{"site", "a", {{"nexthop", "[192.0.2.1]:26"}}}, "a", SITE_DEFAULT,
	"[192.0.2.1]:26", ""},
    {{"site", "a", {{"nexthop", "[2001:DB8::1]:026"}}}, "a", SITE_DEFAULT,
	"[2001:db8::1]:26", ""},
    {{"site", "a", {{"nexthop", "mx.example:"}}}, "a", SITE_DEFAULT, NULL,
	"f:2: site.nexthop: \"mx.example:\" is not a host; write HOST, "
	"HOST:PORT or [ADDRESS]:PORT\n"},
    {{"site", "a", {{"nexthop", "mx.example:0"}}}, "a", SITE_DEFAULT, NULL,
	"f:2: site.nexthop: \"mx.example:0\" is not a host; write HOST, "
	"HOST:PORT or [ADDRESS]:PORT\n"},
    {{"site", "a", {{"nexthop", "[192.0.2.1"}}}, "a", SITE_DEFAULT, NULL,
	"f:2: site.nexthop: \"[192.0.2.1\" is not a host; write HOST, "
	"HOST:PORT or [ADDRESS]:PORT\n"},
    {{"site", "a", {{"nexthop", "[192.0.2.1]26"}}}, "a", SITE_DEFAULT, NULL,
	"f:2: site.nexthop: \"[192.0.2.1]26\" is not a host; write HOST, "
	"HOST:PORT or [ADDRESS]:PORT\n"},
    {{"site", "a", {{"nexthop", "2001:db8::1"}}}, "a", SITE_DEFAULT, NULL,
	"f:2: site.nexthop: \"2001:db8::1\" is not a host; write HOST, "
	"HOST:PORT or [ADDRESS]:PORT\n"},
    {{"site", "a",
	 {{"require", "opportunistic"}, {"reason", "r"}, {"author", "x"},
	     {"expires", "2030-01-02"}}},
	"a", SITE_OPPORTUNISTIC, NULL, ""},
    {{"site", "a", {{"require", "audit"}}}, "a", SITE_AUDIT, NULL,
	"f:1: site.reason: is missing; require = audit" LOOSER
	"f:1: site.expires: is missing; require = audit" LOOSER},
    {{"site", "a", {{"continuity", "log"}, {"reason", "r"}}}, "a", SITE_DEFAULT,
	NULL, "f:1: site.expires: is missing; continuity = log" LOOSER},
    {{"site", "a", {{"continuity", "hold"}}}, "a", SITE_DEFAULT, NULL, ""},
    {{"site", "a",
	 {{"require", "dane"}, {"continuity", "hold"}, {"reason", "r"}}},
	"a", SITE_DANE, NULL, ""},
    {{"site", "a",
	 {{"require", "audit"}, {"continuity", "hold"}, {"reason", "r"},
	     {"expires", "2030-01-02"}}},
	"a", SITE_AUDIT, NULL,
	"f:3: site.continuity: hold has no effect beside require = audit; "
	"remove one\n"},
    {{"site", "a", {{"require", "none"}}}, "a", SITE_DEFAULT, NULL,
	"f:2: site.require: \"none\" is not known; use opportunistic, audit, "
	"encrypted, verified, sts or dane\n"},
    {{"site", "a", {{"reason", "r"}}}, "a", SITE_DEFAULT, NULL,
	"f:1: site: \"a\" says nothing; set require, nexthop or continuity, or "
	"remove it\n"},
    {{"site", "..a", {{"require", "dane"}}}, NULL, SITE_DEFAULT, NULL,
	"f:1: site: \"..a\" is not a mail domain; write example.com, or "
	".example.com for it and all below\n"},
    {{"site", ".", {{"require", "dane"}}}, NULL, SITE_DEFAULT, NULL,
	"f:1: site: \".\" is not a mail domain; write example.com, or "
	".example.com for it and all below\n"},
    {{"site", "", {{"require", "dane"}}}, NULL, SITE_DEFAULT, NULL,
	"f:1: site: \"\" is not a mail domain; write example.com, or "
	".example.com for it and all below\n"},
};

static void
test_site(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		const char *name = cases[i].m.keys[0][1];
		struct options o = {.n_sites = 0};
		struct buf errors;
		struct conf_tree t;

		make_tree(&t, &cases[i].m, &errors);
		conf_sites_make(&t, &o);
		t_int(name, (int64_t)o.n_sites, cases[i].domain ? 1 : 0);
		if (o.n_sites > 0) {
			t_cstr(name, o.sites[0].domain, cases[i].domain);
			t_int(name, o.sites[0].require, cases[i].require);
			t_cstr(name, o.sites[0].nexthop, cases[i].nexthop);
			t_cstr(name, o.sites[0].where, "f:1");
		}
		conf_sites_free(&o);
		make_end(name, &t, &errors, cases[i].want);
	}
}

/* Not said, log and hold are three things. */
static void
test_continuity(void **state)
{
	static const struct {
		const char *word;
		enum site_continuity want;
	} words[] = {{NULL, CONTINUITY_DEFAULT}, {"hold", CONTINUITY_HOLD},
	    {"log", CONTINUITY_LOG}};

	(void)state;
	for (size_t i = 0; i < T_COUNT(words); i++) {
		struct make m = {"site", "a",
		    {{"require", "dane"}, {"reason", "r"},
			{"expires", "2030-01-02"},
			{"continuity", words[i].word}}};
		struct options o = {.n_sites = 0};
		struct buf errors;
		struct conf_tree t;

		if (!words[i].word)
			m.keys[3][0] = NULL;
		make_tree(&t, &m, &errors);
		conf_sites_make(&t, &o);
		t_int(words[i].word ? words[i].word : "not said",
		    (int)o.sites[0].continuity, words[i].want);
		t_int("errors", t.n_errors, 0);
		conf_sites_free(&o);
		conf_tree_clear(&t);
		buf_clear(&errors);
	}
}

static void
test_expires(void **state)
{
	static const struct {
		const char *day;
		int64_t want;
	} days[] = {{"2027-01-31", 1801353600}, {"2027-02-29", 0},
	    {"31.1.2027", 0}, {"never", 0}};

	(void)state;
	for (size_t i = 0; i < T_COUNT(days); i++) {
		const struct make m = {"site", "a",
		    {{"require", "audit"}, {"reason", "r"},
			{"expires", days[i].day}}};
		struct options o = {.n_sites = 0};
		struct buf errors;
		struct conf_tree t;

		make_tree(&t, &m, &errors);
		conf_sites_make(&t, &o);
		t_int(days[i].day, o.sites[0].expires_s, days[i].want);
		t_int(days[i].day, t.n_errors, days[i].want ? 0 : 1);
		conf_sites_free(&o);
		conf_tree_clear(&t);
		buf_clear(&errors);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_site),
	    cmocka_unit_test(test_continuity),
	    cmocka_unit_test(test_expires),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
