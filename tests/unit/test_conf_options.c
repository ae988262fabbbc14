/* The sections that have no file of their own; defaults. */
#include "relay/config/conf_options.h"

#include "tests/unit/conf_make.h"

static const struct conf_machine machine = {
    .hostname = "m.example", .cores = 3, .unbound = "/u"};

static void
test_hostname(void **state)
{
	static const struct {
		const char *file, *of_machine;
		bool any;
		const char *want, *error;
	} cases[] = {
	    {NULL, "m.example", false, "m.example", ""},
	    {"R.Example.", "m.example", false, "r.example", ""},
	    {NULL, "m", true, "localhost.localdomain", ""},
	    {NULL, "", true, "localhost.localdomain", ""},
	    {NULL, "m.example", true, "m.example", ""},
	    {NULL, "m", false, "",
		"f:1: hostname: is missing and this machine's name \"m\" has "
		"no dot; write the name that its address resolves to\n"},
	    {"m.", "m.example", false, "",
		"f:2: hostname: \"m.\" is not a full name; write one with a "
		"dot, such as relay.example.net\n"},
	    {"[192.0.2.1]", "m.example", false, "",
		"f:2: hostname: \"[192.0.2.1]\" is not a full name; write one "
		"with a dot, such as relay.example.net\n"},
	    {"", "m.example", false, "",
		"f:2: hostname: is empty; give it a value or remove it\n"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		const char *name = cases[i].file ? cases[i].file : "(none)";
		const struct make m = {"", NULL,
		    {{cases[i].file ? "hostname" : NULL, cases[i].file}}};
		struct conf_machine mc = machine;
		struct options *o;
		struct buf errors;
		struct conf_tree t;

		mc.hostname = cases[i].of_machine;
		mc.any_name = cases[i].any;
		make_tree(&t, &m, &errors);
		o = conf_options_make(&t, &mc);
		t_cstr(name, o->hostname, cases[i].want);
		conf_options_free(o);
		make_end(name, &t, &errors, cases[i].error);
	}
}

static void
test_defaults(void **state)
{
	static const struct make m = {"", NULL, {{NULL, NULL}}};
	struct options *o;
	struct buf errors;
	struct conf_tree t;

	(void)state;
	make_tree(&t, &m, &errors);
	o = conf_options_make(&t, &machine);
	t_int("workers", o->workers, 3);
	t_cstr("unbound", o->resolver.unbound, "/u");
	t_bool("dane", o->dane.on, true);
	t_bool("insecure_mx", o->dane.insecure_mx, true);
	t_bool("sts", o->sts.on, true);
	t_int("min", o->tls.min, TLS_V1_2);
	t_int("opportunistic", o->tls.opportunistic_min, TLS_V1_0);
	t_int("port", o->deliver.port, 25);
	t_int("connections", o->deliver.max_connections, 200);
	t_int("per destination", o->deliver.max_per_destination, 10);
	t_int("recipients", o->deliver.max_recipients, 50);
	t_int("connect", o->timeouts.connect, 30000);
	t_int("final", o->timeouts.final, 600000);
	t_int("lifetime", o->queue.lifetime_s, 5 * 86400);
	t_int("retries", (int64_t)o->queue.n_retry, 5);
	t_int("last retry", o->queue.retry_s[4], 7200);
	t_int("commit_delay", o->queue.commit_delay, 10);
	t_int("size", (int64_t)o->queue.max_message_size, 50 << 20);
	t_int("memory", (int64_t)o->queue.memory, 256 << 20);
	t_int("in memory", o->queue.max_in_memory, 100000);
	t_int("min_free", (int64_t)o->queue.min_free, 64 << 20);
	t_int("receipts", o->queue.receipts_s, 30 * 86400);
	t_int("sessions", o->smtp.max_sessions, 500);
	t_int("recipients in", o->smtp.max_recipients, 1000);
	t_int("errors", o->smtp.max_errors, 20);
	t_int("hops", o->smtp.max_hops, 100);
	t_bool("no socket", o->control_socket == NULL, true);
	t_int("level", o->log.level, LOG_INFO);
	conf_options_free(o);
	conf_options_free(NULL);
	make_end("defaults", &t, &errors, "");
}

/* Fewer connections in all bring down the default of each destination. */
static void
test_connections(void **state)
{
	static const struct make m = {
	    "deliver", NULL, {{"max_connections", "4"}}};
	struct options *o;
	struct buf errors;
	struct conf_tree t;

	(void)state;
	make_tree(&t, &m, &errors);
	o = conf_options_make(&t, &machine);
	t_int("per destination", o->deliver.max_per_destination, 4);
	conf_options_free(o);
	make_end("connections", &t, &errors, "");
}

static void
test_workers(void **state)
{
	static const struct {
		const char *text;
		unsigned cores, want;
	} cases[] = {{"0", 2, 2}, {"0", 4096, 1024}, {"7", 2, 7}};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		const struct make m = {"", NULL, {{"workers", cases[i].text}}};
		struct conf_machine mc = machine;
		struct options *o;
		struct buf errors;
		struct conf_tree t;

		mc.cores = cases[i].cores;
		make_tree(&t, &m, &errors);
		o = conf_options_make(&t, &mc);
		t_int(cases[i].text, o->workers, cases[i].want);
		conf_options_free(o);
		make_end(cases[i].text, &t, &errors, "");
	}
}

static void
test_retries(void **state)
{
	struct options *o;
	struct buf errors;
	struct conf_tree t;
	size_t sec;

	(void)state;
	buf_init(&errors, 4096);
	conf_tree_init(&t, "f", &errors);
	sec = conf_tree_add_section(&t, "queue", NULL, 1);
	for (int i = 0; i < 66; i++)
		conf_tree_add_value(&t, sec, "retry", "1s", 2 + i, i > 0);
	o = conf_options_make(&t, &machine);
	t_int("retries", (int64_t)o->queue.n_retry, 64);
	conf_options_free(o);
	make_end("retries", &t, &errors,
	    "f:66: queue.retry: has more than 64 times; shorten it, the last "
	    "one repeats\n");
}

static void
test_socket(void **state)
{
	char path[120];
	const struct make m = {"control", NULL, {{"socket", path}}};
	struct options *o;
	struct buf errors;
	struct conf_tree t;

	(void)state;
	memset(path, 'x', sizeof(path));
	path[108] = '\0';
	make_tree(&t, &m, &errors);
	conf_options_free(conf_options_make(&t, &machine));
	make_end("108 bytes", &t, &errors,
	    "f:2: control.socket: is longer than the 107 bytes that a socket "
	    "may have; choose a shorter path\n");
	path[107] = '\0';
	make_tree(&t, &m, &errors);
	o = conf_options_make(&t, &machine);
	t_cstr("107 bytes", o->control_socket, path);
	conf_options_free(o);
	make_end("107 bytes", &t, &errors, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hostname),
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_connections),
	    cmocka_unit_test(test_workers),
	    cmocka_unit_test(test_retries),
	    cmocka_unit_test(test_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
