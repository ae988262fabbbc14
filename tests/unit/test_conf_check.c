/* What must be right about a configuration as a whole. */
#include "relay/config/conf_check.h"

#include <stdlib.h>

#include "relay/model/options.h"
#include "tests/unit/t.h"

#define NOW INT64_C(1800000000) /* 2027-01-15 */

static struct opt_net wide4 = {.addr = {.family = 4, .ip = {64}}, .bits = 7};
static struct opt_net wide6 = {.addr = {.family = 6, .ip = {0x20}}, .bits = 15};
static struct opt_net fine4 = {.addr = {.family = 4, .ip = {10}}, .bits = 8};

/* What is set over a configuration that is fine. */
struct tcase {
	const char *name;
	struct opt_listen listens[3];
	struct opt_site sites[3];
	const char *resolver_user, *hostname;
	bool dane_off, sts_off, external;
	int64_t retry;
	const char *errors, *warnings;
};

/* A text of type char *. */
#define M(text) ((char[]){text})

#define TCP(h, p, w) \
	{ \
		.host = h, .port = p, .where = M(w), .text = M("T") \
	}

static struct tcase cases[] = {
    {.name = "fine",
	.listens = {{.host = "127.0.0.1",
	    .port = 25,
	    .where = M("f:1"),
	    .text = M("T"),
	    .nets = &fine4,
	    .n_nets = 1}},
	.sites = {{.domain = "a", .where = M("f:2"), .expires_s = NOW + 1}},
	.errors = "",
	.warnings = ""},
    {.name = "one socket twice",
	.listens = {TCP("127.0.0.1", 25, "f:1"), TCP("::1", 25, "f:2"),
	    TCP("127.0.0.1", 25, "f:3")},
	.errors = "f:3: listen: \"T\" is the socket of f:1 too; remove one\n",
	.warnings = ""},
    {.name = "ports differ",
	.listens = {TCP("127.0.0.1", 25, "f:1"), TCP("127.0.0.1", 26, "f:2"),
	    {.unix_path = M("/a"), .where = M("f:3"), .text = M("U")}},
	.errors = "",
	.warnings = ""},
    {.name = "one path twice",
	.listens = {{.unix_path = M("/a"), .where = M("f:1"), .text = M("U")},
	    {.unix_path = M("/b"), .where = M("f:2"), .text = M("U")},
	    {.unix_path = M("/a"), .where = M("f:3"), .text = M("V")}},
	.errors = "f:3: listen: \"V\" is the socket of f:1 too; remove one\n",
	.warnings = ""},
    {.name = "wide networks",
	.listens = {{.host = "::",
			.port = 1,
			.where = M("f:1"),
			.text = M("T"),
			.nets = &wide4,
			.n_nets = 1},
	    {.host = "::",
		.port = 2,
		.where = M("f:2"),
		.text = M("T"),
		.nets = &wide6,
		.n_nets = 1}},
	.errors = "",
	.warnings = "f:1: listen.networks: 64.0.0.0/7 lets a large part of the "
		    "internet relay; name the networks of your own clients\n"
		    "f:2: listen.networks: 2000::/15 lets a large part of the "
		    "internet relay; name the networks of your own clients\n"},
    {.name = "one domain twice",
	.sites = {{.domain = "a", .where = M("f:1")},
	    {.domain = ".a", .where = M("f:2")},
	    {.domain = "a", .where = M("f:3")}},
	.errors = "f:3: site: \"a\" has a rule in f:1 too; put both into one\n",
	.warnings = ""},
    {.name = "expired",
	.sites = {{.domain = "a", .where = M("f:1"), .expires_s = NOW},
	    {.domain = "b", .where = M("f:2"), .expires_s = NOW - 86400}},
	.errors = "",
	.warnings = "f:1: site.expires: the rule for \"a\" ended on 2027-01-15 "
		    "and has no effect; remove it\n"
		    "f:2: site.expires: the rule for \"b\" ended on 2027-01-14 "
		    "and has no effect; remove it\n"},
    {.name = "one user",
	.resolver_user = "relay",
	.errors = "",
	.warnings = "resolver.user: \"relay\" is the relay's user too; give "
		    "unbound one of its own\n"},
    {.name = "one user, no unbound",
	.resolver_user = "relay",
	.external = true,
	.errors = "",
	.warnings = ""},
    {.name = "no name",
	.hostname = "localhost.localdomain",
	.errors = "",
	.warnings = "hostname: this machine has no full name, so others see "
		    "\"localhost.localdomain\"; set hostname\n"},
    {.name = "nothing is checked",
	.dane_off = true,
	.sts_off = true,
	.errors = "",
	.warnings = "dane.mode: off: TLSA records are not looked at\n"
		    "sts.mode: off: MTA-STS is not looked at\n"},
    {.name = "one try",
	.retry = 86400,
	.errors = "",
	.warnings = "queue.retry: the first try again comes after the "
		    "lifetime; each message has one try\n"},
};

static void
run(const struct tcase *c)
{
	char user[] = "relay", dns[16];
	struct opt_listen listens[3];
	struct opt_site sites[3];
	int64_t retry = c->retry ? c->retry : 60;
	struct options o = {.user = user,
	    .listens = listens,
	    .sites = sites,
	    .resolver = {.managed = !c->external, .user = dns},
	    .dane = {.on = !c->dane_off},
	    .sts = {.on = !c->sts_off},
	    .queue = {.lifetime_s = 86400, .retry_s = &retry, .n_retry = 1}};
	struct buf errors, warnings;

	memcpy(listens, c->listens, sizeof(listens));
	memcpy(sites, c->sites, sizeof(sites));
	while (o.n_listens < 3 && listens[o.n_listens].where)
		o.n_listens++;
	while (o.n_sites < 3 && sites[o.n_sites].where)
		o.n_sites++;
	snprintf(dns, sizeof(dns), "%s",
	    c->resolver_user ? c->resolver_user : "dns");
	snprintf(o.hostname, sizeof(o.hostname), "%s",
	    c->hostname ? c->hostname : "relay.example");
	buf_init(&errors, 4096);
	buf_init(&warnings, 4096);
	t_err(c->name, conf_check(&o, NOW, &errors, &warnings),
	    c->errors[0] ? ERR_CONFIG : 0);
	t_is(c->name, buf_str(&errors), c->errors);
	t_is(c->name, buf_str(&warnings), c->warnings);
	buf_clear(&errors);
	buf_clear(&warnings);
}

static void
test_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++)
		run(&cases[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
