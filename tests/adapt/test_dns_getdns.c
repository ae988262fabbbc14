/* dns_getdns on a real getdns, against a scripted resolver on loopback. */
#include "config.h"

#include "tests/unit/t.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "relay/dns/dns_getdns.h"
#include "relay/net/loop.h"
#include "tests/adapt/fakedns.h"

#define TIMEOUT_MS 150
#define PATIENT_MS 3000

struct world {
	struct loop *loop;
	struct metrics metrics;
	struct fakedns *f4;
	struct dns *dns;
	int64_t timeout_ms;
	unsigned asking; /* inside dns_ask */
	unsigned answers;
	struct rr_set *last;
};

static void
on_answer(void *arg, struct rr_set *set)
{
	struct world *w = arg;

	if (w->asking)
		fail_msg("answered inside dns_ask");
	w->answers++;
	rr_set_unref(w->last);
	w->last = rr_set_ref(set);
}

static struct dns_query *
ask(struct world *w, const char *name, enum rr_type type)
{
	struct dns_query *q;

	w->asking++;
	q = dns_ask(w->dns, name, type, on_answer, w);
	w->asking--;
	return q;
}

static void
run_until(struct world *w, unsigned answers)
{
	while (w->answers < answers)
		uv_run(loop_uv(w->loop), UV_RUN_ONCE);
}

static void
open_with(struct world *w, const struct opt_addr_port *ups, size_t n)
{
	const struct dns_getdns_opts o = {
	    .upstreams = ups,
	    .n_upstreams = n,
	    .appdata_dir = "/nonexistent",
	    .metrics = &w->metrics,
	    .timeout_ms = w->timeout_ms,
	};

	t_err("open", dns_getdns_open(w->loop, &o, &w->dns), 0);
}

static struct world *
world_new_with(int64_t timeout_ms)
{
	struct world *w = test_calloc(1, sizeof(*w));
	struct opt_addr_port up;

	t_err("loop", loop_new(&w->loop), 0);
	metrics_init(&w->metrics);
	w->timeout_ms = timeout_ms;
	w->f4 = fakedns_new(loop_uv(w->loop), 4);
	assert_non_null(w->f4);
	up = fakedns_addr(w->f4);
	open_with(w, &up, 1);
	return w;
}

static struct world *
world_new(void)
{
	return world_new_with(TIMEOUT_MS);
}

static void
world_free(struct world *w)
{
	dns_getdns_close(w->dns);
	fakedns_free(w->f4);
	rr_set_unref(w->last);
	loop_free(w->loop);
	t_int("in flight",
	    (int64_t)metrics_get(&w->metrics, METRIC_DNS_IN_FLIGHT), 0);
	test_free(w);
}

/* RESOLVER.md 1.3; DANE-01, DANE-04, DANE-09 */
static void
test_outcomes(void **state)
{
	static const struct {
		const char *name;
		enum rr_type type;
		enum rr_status status;
		enum rr_why why;
		bool secure, cname;
		size_t n;
		uint32_t ttl;
		unsigned asked;
	} cases[] = {
	    {"good.test", RR_A, RR_OK, RR_WHY_NONE, true, false, 1, 60, 1},
	    {"GOOD.test", RR_A, RR_OK, RR_WHY_NONE, true, false, 1, 60, 1},
	    {"insecure.test", RR_A, RR_OK, RR_WHY_NONE, false, false, 1, 60, 1},
	    {"nodata.test", RR_TLSA, RR_NODATA, RR_WHY_NONE, true, false, 0, 33,
		1},
	    {"nosoa.test", RR_TLSA, RR_NODATA, RR_WHY_NONE, true, false, 0, 5,
		1},
	    {"nx.test", RR_MX, RR_NXDOMAIN, RR_WHY_NONE, true, false, 0, 33, 1},
	    {"servfail.test", RR_TLSA, RR_FAIL, RR_WHY_SERVFAIL, false, false,
		0, 0, 2},
	    {"bogus.test", RR_TLSA, RR_FAIL, RR_WHY_BOGUS, false, false, 0, 0,
		2},
	    {"refused.test", RR_TLSA, RR_FAIL, RR_WHY_REFUSED, false, false, 0,
		0, 1},
	    {"notimp.test", RR_TLSA, RR_FAIL, RR_WHY_REFUSED, false, false, 0,
		0, 1},
	    {"drop.test", RR_A, RR_FAIL, RR_WHY_TIMEOUT, false, false, 0, 0, 3},
	    {"droponce.test", RR_A, RR_OK, RR_WHY_NONE, true, false, 1, 60, 2},
	    {"forged.test", RR_A, RR_OK, RR_WHY_NONE, false, false, 1, 60, 1},
	    {"wrongq.test", RR_A, RR_FAIL, RR_WHY_MALFORMED, false, false, 0, 0,
		3},
	    {"big.test", RR_TLSA, RR_OK, RR_WHY_NONE, true, false, 100, 60, 1},
	    {"cname.test", RR_A, RR_OK, RR_WHY_NONE, true, true, 1, 20, 1},
	    {"cname.test", RR_CNAME, RR_OK, RR_WHY_NONE, true, true, 1, 20, 1},
	    {"loop.test", RR_A, RR_FAIL, RR_WHY_CNAME_LOOP, false, false, 0, 0,
		1},
	    {".", RR_NS, RR_OK, RR_WHY_NONE, true, false, 0, 60, 1},
	    {"short.test", RR_TLSA, RR_FAIL, RR_WHY_MALFORMED, false, false, 0,
		0, 1},
	    {"garbage.test", RR_TLSA, RR_FAIL, RR_WHY_TIMEOUT, false, false, 0,
		0, 3},
	    {"tc.test", RR_TLSA, RR_FAIL, RR_WHY_UNREACHABLE, false, false, 0,
		0, 3},
	    {"a b.test", RR_A, RR_FAIL, RR_WHY_MALFORMED, false, false, 0, 0,
		0},
	    {"", RR_A, RR_FAIL, RR_WHY_MALFORMED, false, false, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		/* Only who waits in vain is told to be quick: on a busy
		 * machine an answer may take its time. */
		bool in_vain = cases[i].why == RR_WHY_TIMEOUT;
		struct world *w = world_new_with(
		    in_vain ? TIMEOUT_MS : PATIENT_MS);

		ask(w, cases[i].name, cases[i].type);
		run_until(w, 1);
		if (cases[i].status == RR_OK && cases[i].type != RR_NS)
			t_bool(cases[i].name, w->last->n > 0, true);
		t_cstr(cases[i].name, rr_status_str(w->last->status),
		    rr_status_str(cases[i].status));
		t_cstr(cases[i].name, rr_why_str(w->last->why),
		    rr_why_str(cases[i].why));
		t_bool(cases[i].name, w->last->secure, cases[i].secure);
		t_bool(cases[i].name, w->last->has_cname, cases[i].cname);
		t_int(cases[i].name, (int64_t)w->last->n, (int64_t)cases[i].n);
		t_int(cases[i].name, (int64_t)w->last->ttl, cases[i].ttl);
		t_int(cases[i].name, fakedns_asked(w->f4), cases[i].asked);
		world_free(w);
	}
}

/* RESOLVER.md 1.3: what records look like. */
static void
test_records(void **state)
{
	struct world *w = world_new();

	(void)state;
	ask(w, "good.test", RR_MX);
	run_until(w, 1);
	t_int("mx", (int64_t)w->last->n, 1);
	t_int("pref", w->last->u.mx[0].pref, 10);
	t_cstr("host", w->last->u.mx[0].host, "mx1.test");
	ask(w, "good.test", RR_TXT);
	run_until(w, 2);
	t_is("STS-04 strings of a record", w->last->u.txt[0], "v=STSv1");
	ask(w, "good.test", RR_TLSA);
	run_until(w, 3);
	t_int("usage", w->last->u.tlsa[0].usage, 3);
	t_int("len", w->last->u.tlsa[0].len, 2);
	t_int("data", w->last->u.tlsa[0].data[1], 0xad);
	ask(w, "good.test", RR_AAAA);
	run_until(w, 4);
	t_int("family", w->last->u.addr[0].family, 6);
	ask(w, "cname.test", RR_CNAME);
	run_until(w, 5);
	t_cstr("cname", w->last->u.cname[0], "target.test");
	ask(w, "big.test", RR_TLSA);
	run_until(w, 6);
	t_int("order", w->last->u.tlsa[99].data[0], 99);
	ask(w, "cname.test", RR_TXT);
	run_until(w, 7);
	t_int("STS-05 record behind a CNAME", (int64_t)w->last->n, 1);
	t_is("STS-05 its text", w->last->u.txt[0], "v=STSv1");
	world_free(w);
}

/* Attempt k goes to upstream k mod U, over IPv6 too. */
static void
test_failover(void **state)
{
	struct world *w = world_new();
	struct fakedns *six = fakedns_new(loop_uv(w->loop), 6);
	struct opt_addr_port ups[2];
	struct fakedns *gone;

	(void)state;
	dns_getdns_close(w->dns);
	gone = fakedns_new(loop_uv(w->loop), 4);
	assert_non_null(gone);
	ups[0] = fakedns_addr(gone);
	fakedns_free(gone);
	ups[1] = fakedns_addr(six ? six : w->f4);
	open_with(w, ups, 1);
	ask(w, "good.test", RR_A);
	run_until(w, 1);
	t_cstr(
	    "nobody there", rr_why_str(w->last->why), "resolver-unreachable");
	dns_getdns_close(w->dns);
	open_with(w, ups, 2);
	ask(w, "good.test", RR_A);
	run_until(w, 2);
	t_cstr("the second answers", rr_status_str(w->last->status), "ok");
	t_bool("secure", w->last->secure, true);
	if (six)
		t_int("asked there", fakedns_asked(six), 1);
	fakedns_free(six);
	world_free(w);
}

/* Ten times the cap: nothing is lost or answered twice. */
static void
test_many(void **state)
{
	struct world *w = world_new();
	uint64_t most = 0, now;
	unsigned i;

	(void)state;
	for (i = 0; i < 2560; i++)
		ask(w, "good.test", i % 2 ? RR_A : RR_MX);
	while (w->answers < 2560) {
		uv_run(loop_uv(w->loop), UV_RUN_ONCE);
		now = metrics_get(&w->metrics, METRIC_DNS_IN_FLIGHT);
		if (now > most)
			most = now;
	}
	t_bool("capped", most <= 256, true);
	t_bool("used", most > 64, true);
	t_int("once each", w->answers, 2560);
	world_free(w);
}

/* All kinds at once, each ends once: time-outs and TCP among the rest are
 * what upset getdns's own loops (RESOLVER.md B2, B3). */
static void
test_mixed(void **state)
{
	static const char *const names[] = {"good.test", "drop.test",
	    "big.test", "tc.test", "servfail.test", "garbage.test",
	    "droponce.test", "wrongq.test"};
	struct world *w = world_new();
	unsigned i, n = 480;

	(void)state;
	for (i = 0; i < n; i++)
		ask(w, names[i % T_COUNT(names)], RR_TLSA);
	run_until(w, n);
	t_int("none in flight",
	    (int64_t)metrics_get(&w->metrics, METRIC_DNS_IN_FLIGHT), 0);
	t_int("once each", w->answers, n);
	world_free(w);
}

/* Many on one TCP connection: each has its answer, whether those beside it
 * have one or not. */
static void
test_tcp(void **state)
{
	static const struct {
		const char *name;
		unsigned big, silent;
	} rows[] = {{"all answer", 60, 0}, {"some are silent", 40, 5}};

	(void)state;
	for (size_t i = 0; i < T_COUNT(rows); i++) {
		struct world *w = world_new();
		struct opt_addr_port up = fakedns_addr(w->f4);

		dns_getdns_close(w->dns);
		w->timeout_ms = 60000;
		open_with(w, &up, 1);
		for (unsigned k = 0; k < rows[i].silent; k++)
			ask(w, "tcdrop.test", RR_TLSA);
		for (unsigned k = 0; k < rows[i].big; k++)
			ask(w, "big.test", RR_TLSA);
		run_until(w, rows[i].big);
		t_int(rows[i].name,
		    (int64_t)metrics_get(&w->metrics, METRIC_DNS_FAILED), 0);
		t_int(rows[i].name, (int64_t)w->last->n, 100);
		world_free(w);
	}
}

/*
 * Lookups that time out on TCP, one after the other: getdns may close its own
 * descriptors only. Those opened here take each number that becomes free.
 */
static void
test_foreign_descriptors(void **state)
{
	enum { VICTIMS = 200 };
	struct world *w = world_new();
	int fds[VICTIMS], n = 0, lost = 0;
	struct stat null, st;

	(void)state;
	ask(w, "tcdrop.test", RR_TLSA);
	for (int i = 0; i < 4; i++) {
		uv_sleep(TIMEOUT_MS / 10);
		uv_run(loop_uv(w->loop), UV_RUN_NOWAIT);
		ask(w, "tcdrop.test", RR_TLSA);
	}
	t_int("/dev/null", stat("/dev/null", &null), 0);
	while (w->answers < 5) {
		uv_run(loop_uv(w->loop), UV_RUN_ONCE);
		if (n < VICTIMS)
			fds[n++] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	t_cstr("answer", rr_status_str(w->last->status), "fail");
	for (int i = 0; i < n; i++) {
		if (fstat(fds[i], &st) != 0 || st.st_ino != null.st_ino)
			lost++;
		else
			close(fds[i]);
	}
	t_int("all are still ours", lost, 0);
	world_free(w);
}

/* STYLE 29: after cancel no callback, whatever the lookup is doing. */
static void
test_cancel(void **state)
{
	struct world *w = world_new();
	struct dns_query *q[3];

	(void)state;
	q[0] = ask(w, "good.test", RR_A);
	dns_cancel(w->dns, q[0]);
	q[1] = ask(w, "drop.test", RR_A);
	q[2] = ask(w, "servfail.test", RR_A);
	while (fakedns_asked(w->f4) < 2)
		uv_run(loop_uv(w->loop), UV_RUN_ONCE);
	dns_cancel(w->dns, q[1]);
	dns_cancel(w->dns, q[2]);
	dns_cancel(w->dns, NULL);
	while (metrics_get(&w->metrics, METRIC_DNS_IN_FLIGHT) > 0)
		uv_run(loop_uv(w->loop), UV_RUN_ONCE);
	t_int("none", w->answers, 0);
	world_free(w);
}

static void
close_now(void *arg, struct rr_set *set)
{
	struct world *w = arg;

	(void)set;
	w->answers++;
	dns_getdns_close(w->dns);
}

/* RESOLVER.md B9: from a callback too, with all kinds of lookups open. */
static void
test_close(void **state)
{
	static const char *const names[] = {"drop.test", "tc.test",
	    "servfail.test", "big.test", "garbage.test"};
	struct world *w;
	unsigned i, round;

	(void)state;
	for (round = 0; round < 3; round++) {
		w = world_new();
		for (i = 0; i < T_COUNT(names); i++)
			ask(w, names[i], RR_TLSA);
		while (round > 0 && fakedns_asked(w->f4) < T_COUNT(names))
			uv_run(loop_uv(w->loop), UV_RUN_ONCE);
		if (round == 2) {
			dns_ask(w->dns, "good.test", RR_A, close_now, w);
			w->answers = 0;
			while (
			    metrics_get(&w->metrics, METRIC_DNS_IN_FLIGHT) > 0)
				uv_run(loop_uv(w->loop), UV_RUN_ONCE);
			w->dns = NULL;
		}
		world_free(w);
	}
	dns_getdns_close(NULL);
}

/* A callback inside the pump: the name is refused without asking. */
static void
test_close_in_pump(void **state)
{
	struct world *w = world_new();

	(void)state;
	dns_ask(w->dns, "a b.test", RR_A, close_now, w);
	ask(w, "good.test", RR_A);
	run_until(w, 1);
	/* The end comes with the next rounds. */
	while (uv_loop_alive(loop_uv(w->loop)) && w->f4) {
		fakedns_free(w->f4);
		w->f4 = NULL;
		uv_run(loop_uv(w->loop), UV_RUN_NOWAIT);
	}
	uv_run(loop_uv(w->loop), UV_RUN_NOWAIT);
	t_int("only the first", w->answers, 1);
	w->dns = NULL;
	world_free(w);
}

static void
test_bad_options(void **state)
{
	struct opt_addr_port up = {.addr = {.family = 4}, .port = 0};
	struct dns_getdns_opts o = {.upstreams = &up, .n_upstreams = 0};
	struct loop *loop;
	struct dns *d = NULL;

	(void)state;
	t_err("loop", loop_new(&loop), 0);
	t_err("no upstream", dns_getdns_open(loop, &o, &d), ERR_CONFIG);
	o.n_upstreams = 1;
	t_err("no port", dns_getdns_open(loop, &o, &d), ERR_CONFIG);
	up.port = 53;
	up.addr.family = 0;
	t_err("no family", dns_getdns_open(loop, &o, &d), ERR_CONFIG);
	t_bool("untouched", d == NULL, true);
	loop_free(loop);
}

/* DANE-58: the canary holds for all resolvers, whichever answers later. */
static void
test_canary_of_all(void **state)
{
	static const struct {
		const char *name;
		int plain; /* the one that does not validate, -1: none */
		int gone; /* the one that is not there */
		bool want;
	} cases[] = {
	    {"both validate", -1, -1, true},
	    {"the first does not", 0, -1, false},
	    {"the second does not", 1, -1, false},
	    {"the second is gone", -1, 1, true},
	    {"the first is gone", -1, 0, true},
	    {"the first is gone, the second does not", 1, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct world *w = world_new();
		struct opt_addr_port ups[2];
		struct fakedns *f[2];

		dns_getdns_close(w->dns);
		for (int k = 0; k < 2; k++) {
			f[k] = fakedns_new(loop_uv(w->loop), 4);
			assert_non_null(f[k]);
			ups[k] = fakedns_addr(f[k]);
			if (cases[i].plain == k)
				fakedns_no_ad(f[k]);
		}
		if (cases[i].gone >= 0) {
			fakedns_free(f[cases[i].gone]);
			f[cases[i].gone] = NULL;
		}
		open_with(w, ups, 2);
		ask(w, ".", RR_NS);
		run_until(w, 1);
		t_cstr(cases[i].name, rr_status_str(w->last->status), "ok");
		t_bool(cases[i].name, w->last->secure, cases[i].want);
		dns_cancel(w->dns, ask(w, ".", RR_NS));
		fakedns_free(f[0]);
		fakedns_free(f[1]);
		world_free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_outcomes),
	    cmocka_unit_test(test_records),
	    cmocka_unit_test(test_failover),
	    cmocka_unit_test(test_canary_of_all),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_mixed),
	    cmocka_unit_test(test_tcp),
	    cmocka_unit_test(test_foreign_descriptors),
	    cmocka_unit_test(test_cancel),
	    cmocka_unit_test(test_close),
	    cmocka_unit_test(test_close_in_pump),
	    cmocka_unit_test(test_bad_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
