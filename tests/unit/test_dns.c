/* The vtable call and the names of states. */
#include "config.h"

#include "tests/unit/t.h"

#include "relay/dns/dns.h"

struct table {
	struct dns base;
	const char *asked;
	enum rr_type type;
	unsigned canceled;
};

static struct dns_query *
table_ask(
    struct dns *d, const char *name, enum rr_type type, dns_fn *fn, void *arg)
{
	struct table *t = (struct table *)(void *)d;

	(void)fn;
	t->asked = name;
	t->type = type;
	return arg;
}

static void
table_cancel(struct dns_query *q)
{
	((struct table *)(void *)q)->canceled++;
}

static void
test_calls(void **state)
{
	struct table t = {.base = {table_ask, table_cancel}};
	struct dns_query *q = dns_ask(&t.base, "a.test", RR_MX, NULL, &t);

	(void)state;
	t_cstr("name", t.asked, "a.test");
	t_int("type", t.type, RR_MX);
	dns_cancel(&t.base, q);
	dns_cancel(&t.base, NULL);
	t_int("canceled once", t.canceled, 1);
}

static void
test_names(void **state)
{
	(void)state;
	t_cstr("unknown", dns_state_str(DNS_STATE_UNKNOWN), "unknown");
	t_cstr("ok", dns_state_str(DNS_STATE_OK), "validating");
	t_cstr("untrusted", dns_state_str(DNS_STATE_UNTRUSTED), "untrusted");
	t_cstr("dead", dns_state_str(DNS_STATE_DEAD), "dead");
	t_cstr("told", dns_state_text(DNS_STATE_OK), "answers are validated");
	t_cstr("told", dns_state_text(DNS_STATE_UNKNOWN), "not known yet");
	t_bool("told", strstr(dns_state_text(DNS_STATE_DEAD), "held") != NULL,
	    true);
	t_bool("told",
	    strstr(dns_state_text(DNS_STATE_UNTRUSTED), "DANE") != NULL, true);
}

static void
test_worse(void **state)
{
	static const enum dns_state order[] = {DNS_STATE_OK, DNS_STATE_UNKNOWN,
	    DNS_STATE_UNTRUSTED, DNS_STATE_DEAD};

	(void)state;
	for (int i = 0; i < 4; i++)
		for (int j = 0; j < 4; j++)
			t_int(dns_state_str(order[i]),
			    dns_state_worse(order[i], order[j]),
			    order[i > j ? i : j]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_calls),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_worse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
