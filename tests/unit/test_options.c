/* Which site rule counts for a domain. */
#include "relay/model/options.h"
#include "tests/unit/t.h"

static void
test_site(void **state)
{
	static struct opt_site sites[] = {
	    {.domain = ".example.com"},
	    {.domain = "example.com"},
	    {.domain = ".mail.example.com"},
	    {.domain = ".org"},
	    {.domain = "a.b.example.com"},
	};
	static const struct {
		const char *domain, *want;
	} cases[] = {
	    {"example.com", "example.com"},
	    {"EXAMPLE.com.", "example.com"},
	    {"www.example.com", ".example.com"},
	    {"mail.example.com", ".mail.example.com"},
	    {"x.mail.example.com", ".mail.example.com"},
	    {"xmail.example.com", ".example.com"},
	    {"a.b.example.com", "a.b.example.com"},
	    {"c.a.b.example.com", ".example.com"},
	    {"notexample.com", NULL},
	    {"org", ".org"},
	    {"a.org", ".org"},
	    {"net", NULL},
	    {"", NULL},
	};
	struct options o = {.sites = sites, .n_sites = T_COUNT(sites)};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		const struct opt_site *s = options_site_at(
		    &o, cases[i].domain, 1000);

		t_cstr(cases[i].domain, s ? s->domain : NULL, cases[i].want);
	}
	o.n_sites = 0;
	t_bool(
	    "no rules", options_site_at(&o, "example.com", 1000) == NULL, true);
}

/* An exception that has ended leaves what it was an exception from. */
static void
test_ended(void **state)
{
	static struct opt_site sites[] = {
	    {.domain = ".example.com"},
	    {.domain = "old.example.com", .expires_s = 100},
	    {.domain = ".a.example.com", .expires_s = 200},
	    {.domain = "alone.example", .expires_s = 100},
	};
	static const struct {
		const char *domain;
		int64_t now;
		const char *want;
	} cases[] = {
	    {"old.example.com", 99, "old.example.com"},
	    {"old.example.com", 100, ".example.com"},
	    {"x.a.example.com", 199, ".a.example.com"},
	    {"x.a.example.com", 200, ".example.com"},
	    {"alone.example", 99, "alone.example"},
	    {"alone.example", 100, NULL},
	};
	struct options o = {.sites = sites, .n_sites = T_COUNT(sites)};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		const struct opt_site *s = options_site_at(
		    &o, cases[i].domain, cases[i].now);

		t_cstr(cases[i].domain, s ? s->domain : NULL, cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_site),
	    cmocka_unit_test(test_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
