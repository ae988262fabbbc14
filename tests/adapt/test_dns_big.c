/*
 * TLSA sets that no UDP answer holds, from a real unbound: getdns must come
 * back with all of them, by TCP. Signed answers are the lab's business.
 * Skipped (77) where there is no unbound.
 */
#include "config.h"

#include "tests/unit/t.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "dane/tlsa.h"
#include "relay/base/buf.h"
#include "relay/base/codec.h"
#include "relay/dns/dns_getdns.h"
#include "relay/dns/unbound_port.h"
#include "relay/net/loop.h"

#define SKIP 77
#define PATIENCE_S 20
#define ZONE "big.test"

static char unbound[4096]; /* program */

struct world {
	char conf[64];
	uint16_t port;
	pid_t pid;
	struct loop *loop;
	struct dns *dns;
	struct rr_set *last;
};

static void
on_answer(void *arg, struct rr_set *set)
{
	struct world *w = arg;

	w->last = rr_set_ref(set);
}

static void
ask(struct world *w, const char *name)
{
	rr_set_unref(w->last);
	w->last = NULL;
	dns_ask(w->dns, name, RR_TLSA, on_answer, w);
	while (!w->last)
		uv_run(loop_uv(w->loop), UV_RUN_ONCE);
}

/* n records of mtype at LABEL.big.test; each is told by its first two bytes. */
static void
put_set(FILE *f, const char *label, unsigned n, unsigned mtype, size_t len)
{
	static uint8_t data[RR_TLSA_MAX];
	struct buf hex;

	memset(data, 0xa5, sizeof(data));
	for (unsigned i = 0; i < n; i++) {
		data[0] = (uint8_t)(i >> 8);
		data[1] = (uint8_t)i;
		buf_init(&hex, 2 * sizeof(data) + 1);
		codec_hex(&hex, data, len);
		(void)fprintf(f,
		    "local-data: '%s." ZONE " 60 IN TLSA 3 1 %u %s'\n", label,
		    mtype, hex.p);
		buf_clear(&hex);
	}
}

static void
write_conf(struct world *w)
{
	FILE *f;
	int fd;

	(void)snprintf(w->conf, sizeof(w->conf), "test_dns_big_XXXXXX");
	fd = mkstemp(w->conf);
	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	assert_non_null(f);
	(void)fprintf(f,
	    "server:\n"
	    "interface: 127.0.0.1@%u\n"
	    "do-daemonize: no\nusername: ''\nchroot: ''\ndirectory: ''\n"
	    "pidfile: ''\nuse-syslog: no\nlogfile: ''\nverbosity: 0\n"
	    "module-config: iterator\nso-reuseport: no\n"
	    "edns-buffer-size: 1232\nmax-udp-size: 1232\n"
	    "local-zone: " ZONE " static\n",
	    w->port);
	put_set(f, "small", 2, 1, 32);
	put_set(f, "forty", 40, 2, 64);
	put_set(f, "sixty", 60, 2, 64); /* more than 4096 bytes */
	put_set(f, "full", 12, 0, 1000);
	put_set(f, "most", 700, 2, 64); /* more than 50000 */
	(void)fclose(f);
}

static void
start_unbound(struct world *w)
{
	struct unbound_port port;
	char text[160];

	t_err("port", unbound_port_reserve(-1, &port, text), 0);
	w->port = port.port;
	unbound_port_release(&port);
	write_conf(w);
	w->pid = fork();
	assert_true(w->pid >= 0);
	if (w->pid == 0) {
		execl(unbound, "unbound", "-d", "-c", w->conf, (char *)NULL);
		_exit(127);
	}
}

static void
open_dns(struct world *w)
{
	const struct opt_addr_port up = {
	    .addr = {.family = 4, .ip = {127, 0, 0, 1}}, .port = w->port};
	const struct dns_getdns_opts o = {
	    .upstreams = &up, .n_upstreams = 1, .appdata_dir = "/nonexistent"};

	t_err("loop", loop_new(&w->loop), 0);
	t_err("open", dns_getdns_open(w->loop, &o, &w->dns), 0);
	/* Until it is up. */
	for (int i = 0; i < PATIENCE_S; i++) {
		ask(w, "small." ZONE);
		if (w->last->status != RR_FAIL)
			return;
		t_int("unbound runs", waitpid(w->pid, NULL, WNOHANG), 0);
	}
	fail_msg("unbound does not answer");
}

static void
test_sets(void **state)
{
	static const struct {
		const char *name;
		size_t n, len;
	} rows[] = {
	    {"small." ZONE, 2, 32},
	    {"forty." ZONE, 40, 64},
	    {"sixty." ZONE, 60, 64},
	    {"full." ZONE, 12, 1000},
	    {"most." ZONE, 700, 64},
	    {"small." ZONE, 2, 32},
	};
	struct world *w = *state;

	for (size_t i = 0; i < T_COUNT(rows); i++) {
		bool seen[700] = {false};

		ask(w, rows[i].name);
		t_cstr(rows[i].name, rr_why_str(w->last->why), "none");
		t_cstr(rows[i].name, rr_status_str(w->last->status), "ok");
		t_int(rows[i].name, (int64_t)w->last->n, (int64_t)rows[i].n);
		for (size_t k = 0; k < w->last->n; k++) {
			const struct rr_tlsa *t = &w->last->u.tlsa[k];
			unsigned at = (unsigned)(t->data[0] << 8 | t->data[1]);

			t_int(rows[i].name, t->len, (int64_t)rows[i].len);
			t_bool(rows[i].name, at < rows[i].n && !seen[at], true);
			seen[at] = true;
		}
	}
}

/* All of them matter: the one that matches may be the last. */
static void
test_selected(void **state)
{
	struct world *w = *state;
	struct rr_tlsa *out;
	size_t n;

	ask(w, "sixty." ZONE);
	tlsa_select(w->last->u.tlsa, w->last->n, &out, &n);
	t_int("DANE-11", (int64_t)n, 60);
	rr_tlsa_free(out, n);
}

static int
world_setup(void **state)
{
	struct world *w = test_calloc(1, sizeof(*w));

	*state = w;
	start_unbound(w);
	open_dns(w);
	return 0;
}

static int
world_teardown(void **state)
{
	struct world *w = *state;

	dns_getdns_close(w->dns);
	rr_set_unref(w->last);
	loop_free(w->loop);
	(void)kill(w->pid, SIGKILL);
	(void)waitpid(w->pid, NULL, 0);
	(void)unlink(w->conf);
	test_free(w);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sets),
	    cmocka_unit_test(test_selected),
	};
	const char *src = getenv("WAXSEAL_SRCDIR");

	(void)snprintf(unbound, sizeof(unbound), "%s/.servers/bin/unbound",
	    src ? src : ".");
	if (access(unbound, X_OK) != 0) {
		(void)fprintf(stderr,
		    "skipped: no unbound (conf/build/"
		    "unpack-servers unbound gets one)\n");
		return SKIP;
	}
	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
