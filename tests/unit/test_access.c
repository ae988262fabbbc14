/* Who may relay. */
#include "config.h"

#include "relay/in/access.h"

#include "relay/base/codec.h"
#include "tests/unit/t.h"

/* "192.0.2.0/24" */
static struct opt_net
net(const char *text)
{
	struct str s = str_of(text), addr;
	struct opt_net n = {0};
	uint64_t bits;

	assert_true(str_cut(&s, '/', &addr));
	t_err(text, rr_addr_parse(addr, &n.addr), 0);
	t_err(text, codec_u64(s, 128, &bits), 0);
	n.bits = (unsigned)bits;
	return n;
}

static void
test_table(void **state)
{
	static const struct {
		const char *net; /* NULL: none given */
		const char *client;
		bool want;
	} cases[] = {
	    {NULL, "127.0.0.1", true},
	    {NULL, "127.255.0.9", true},
	    {NULL, "::1", true},
	    {NULL, "::ffff:127.0.0.1", true},
	    {NULL, "128.0.0.1", false},
	    {NULL, "::2", false},
	    {NULL, "192.0.2.1", false},
	    {NULL, "::ffff:192.0.2.1", false},
	    {"192.0.2.0/24", "192.0.2.255", true},
	    {"192.0.2.0/24", "192.0.3.0", false},
	    {"192.0.2.0/24", "::ffff:192.0.2.7", true},
	    {"192.0.2.0/24", "127.0.0.1", false},
	    {"192.0.2.128/25", "192.0.2.127", false},
	    {"192.0.2.128/25", "192.0.2.128", true},
	    {"192.0.2.77/25", "192.0.2.1", true},
	    {"192.0.2.1/32", "192.0.2.1", true},
	    {"192.0.2.1/32", "192.0.2.2", false},
	    {"192.0.2.1/31", "192.0.2.0", true},
	    {"0.0.0.0/0", "203.0.113.1", true},
	    {"0.0.0.0/0", "2001:db8::1", false},
	    {"::ffff:192.0.2.0/120", "192.0.2.9", true},
	    {"::ffff:192.0.2.0/120", "192.0.3.9", false},
	    {"::/0", "2001:db8::1", true},
	    {"::/0", "192.0.2.1", false},
	    {"2001:db8::/32", "2001:db8:ffff::1", true},
	    {"2001:db8::/32", "2001:db9::1", false},
	    {"2001:db8::/33", "2001:db8:8000::1", false},
	    {"2001:db8::1/128", "2001:db8::1", true},
	    /* 32.1.13.184 has the same first bytes as 2001:db8:: */
	    {"2001:db8::/32", "32.1.13.184", false},
	    {"192.0.2.0/33", "192.0.2.0", false},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct opt_listen l = {0};
		struct opt_net n;
		struct rr_addr a;

		if (cases[i].net) {
			n = net(cases[i].net);
			l.nets = &n;
			l.n_nets = 1;
		}
		t_err(cases[i].client,
		    rr_addr_parse(str_of(cases[i].client), &a), 0);
		t_bool(cases[i].net ? cases[i].net : "default",
		    access_may_relay(&l, &a), cases[i].want);
	}
}

static void
test_unix(void **state)
{
	struct opt_listen l = {0};

	(void)state;
	t_bool("permission bits decide", access_may_relay(&l, NULL), true);
}

static void
test_several(void **state)
{
	struct opt_net nets[] = {net("192.0.2.0/24"), net("2001:db8::/32")};
	struct opt_listen l = {.nets = nets, .n_nets = 2};
	struct rr_addr a;

	(void)state;
	t_err("parse", rr_addr_parse(STR("2001:db8::5"), &a), 0);
	t_bool("second", access_may_relay(&l, &a), true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_unix),
	    cmocka_unit_test(test_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
