/* What a server offers. */
#include "config.h"

#include "relay/smtp/caps.h"

#include "tests/unit/t.h"

static void
show(const struct caps *c, struct buf *out)
{
	buf_addf(out, "%s%s%s%s%s%s%s%s%s%llu", c->pipelining ? "p" : "",
	    c->size ? "s" : "", c->eightbit ? "8" : "", c->starttls ? "t" : "",
	    c->enhanced ? "e" : "", c->chunking ? "c" : "", c->dsn ? "d" : "",
	    c->smtputf8 ? "u" : "", c->requiretls ? "r" : "",
	    (unsigned long long)c->size_max);
}

static void
test_table(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
	    {"250\r\n", "0"},
	    {"250 mx\r\n", "0"},
	    /* The first line greets. */
	    {"250 STARTTLS\r\n", "0"},
	    {"250-STARTTLS\r\n250 x\r\n", "0"},
	    {"250-mx\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n"
	     "250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n"
	     "250-DSN\r\n250-SMTPUTF8\r\n250 REQUIRETLS\r\n",
		"ps8tecdur1000"},
	    {"250-mx\r\n250 starttls\r\n", "t0"},
	    {"250-mx\r\n250 STARTTLS now\r\n", "t0"},
	    {"250-mx\r\n250 XSTARTTLS\r\n", "0"},
	    {"250-mx\r\n250 STARTTLSX\r\n", "0"},
	    {"250-mx\r\n250 SIZE\r\n", "s0"},
	    {"250-mx\r\n250 SIZE 0\r\n", "s0"},
	    {"250-mx\r\n250 SIZE x\r\n", "s0"},
	    {"250-mx\r\n250 SIZE -1\r\n", "s0"},
	    {"250-mx\r\n250 SIZE  77 \r\n", "s77"},
	    {"250-mx\r\n250 SIZE 99999999999999999999999\r\n", "s0"},
	    {"250-mx\r\n250-\r\n250 DSN\r\n", "d0"},
	    {"250-mx\r\n250-AUTH=LOGIN\r\n250 AUTH PLAIN\r\n", "0"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct reply r;
		struct caps c;
		struct buf got;
		size_t used;

		reply_init(&r);
		buf_init(&got, 100);
		t_err(cases[i].in, reply_parse(str_of(cases[i].in), &r, &used),
		    0);
		memset(&c, 0xff, sizeof(c));
		caps_parse(&r, &c);
		show(&c, &got);
		t_is(cases[i].in, buf_str(&got), cases[i].want);
		reply_clear(&r);
		buf_clear(&got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
