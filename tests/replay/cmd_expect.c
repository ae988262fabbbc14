/*
 * "expect WHAT ...": looked at only when the scenario runs without faults,
 * since a fault changes when things happen, and often what.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/model/msg.h"
#include "tests/fake/fake_book.h"
#include "tests/fake/fake_client.h"
#include "tests/fake/fake_dns.h"
#include "tests/fake/fake_http.h"
#include "tests/fake/fake_peer.h"
#include "tests/fake/fake_store.h"
#include "tests/replay/scn.h"

static bool
has(struct str hay, const char *needle)
{
	size_t n = strlen(needle);

	for (size_t i = 0; i + n <= hay.n; i++) {
		if (memcmp(hay.p + i, needle, n) == 0)
			return true;
	}
	return false;
}

static void
want_int(struct play *p, const char *what, int64_t got, const char *want)
{
	if (got != scn_int(p, want))
		scn_fail(
		    p, "%s: got %lld, want %s", what, (long long)got, want);
}

/* Does each key=value among the words stand in the line? A value that ends in
 * "*" need only begin so. */
static bool
line_fits(struct str line, char **w, size_t n)
{
	char key[64], value[1200];

	for (size_t i = 0; i < n; i++) {
		const char *eq = strchr(w[i], '=');
		size_t len;

		if (!eq)
			continue;
		snprintf(key, sizeof(key), "%.*s", (int)(eq - w[i]), w[i]);
		if (!relay_log_field(line, key, value, sizeof(value)))
			return false;
		len = strlen(eq + 1);
		if (len > 0 && eq[len] == '*' ? strncmp(value, eq + 1, len - 1)
					      : strcmp(value, eq + 1))
			return false;
	}
	return true;
}

/* expect log EVENT [key=value]... [count=N]; count= here is not of the line */
static void
expect_log(struct play *p, char **w, size_t n)
{
	struct str rest = relay_log(scn_relay(p)), line;
	const char *count = scn_arg(w, n, "count");
	char *keys[SCN_WORDS], event[64];
	size_t n_keys = 0;
	int64_t found = 0;

	for (size_t i = 1; i < n; i++) {
		if (strncmp(w[i], "count=", 6) != 0)
			keys[n_keys++] = w[i];
	}
	while (str_cut(&rest, '\n', &line)) {
		if (relay_log_field(line, "event", event, sizeof(event)) &&
		    strcmp(event, w[0]) == 0 && line_fits(line, keys, n_keys))
			found++;
	}
	if (count)
		want_int(p, w[0], found, count);
	else if (found == 0)
		scn_fail(p, "no line of %s fits", w[0]);
}

/* expect rcpt ADDR STATUS [key=value]...: its last delivery line */
static void
expect_rcpt(struct play *p, char **w, size_t n)
{
	struct str rest = relay_log(scn_relay(p)), line, last = STR("");
	char event[64], to[ADDR_MAX], status[16] = "";

	while (str_cut(&rest, '\n', &line)) {
		if (relay_log_field(line, "event", event, sizeof(event)) &&
		    strcmp(event, "delivery") == 0 &&
		    relay_log_field(line, "to", to, sizeof(to)) &&
		    strcmp(to, w[0]) == 0)
			last = line;
	}
	(void)relay_log_field(last, "status", status, sizeof(status));
	if (strcmp(status, w[1]) != 0 || !line_fits(last, w + 2, n - 2))
		scn_fail(p, "%s is: %.*s", w[0], STR_FMT(last));
}

static struct fake_peer *
peer_of(struct play *p, const char *text)
{
	struct rr_addr a = {.family = 4};

	if (rr_addr_parse(str_of(text), &a))
		scn_fail(p, "\"%s\" is no address", text);
	return fake_peer_get(&a);
}

/* Does text have each has= and no lacks= of the words? */
static bool
text_fits(struct str text, char **w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strncmp(w[i], "has=", 4) == 0 && !has(text, w[i] + 4))
			return false;
		if (strncmp(w[i], "lacks=", 6) == 0 && has(text, w[i] + 6))
			return false;
	}
	return true;
}

/* expect mail IP COUNT [tls|clear] [from=ADDR] [to=ADDRS] [has=TEXT]...
 * [lacks=TEXT]...: of the messages that it took, how many are so */
static void
expect_mail(struct play *p, char **w, size_t n)
{
	struct fake_peer *peer = peer_of(p, w[0]);
	int64_t found = 0;

	for (struct list *l = peer->mails.next; l != &peer->mails;
	     l = l->next) {
		const struct fake_mail *m = CONTAINER_OF(
		    l, struct fake_mail, node);
		const char *from = scn_arg(w, n, "from");
		const char *to = scn_arg(w, n, "to");
		bool fits = text_fits(buf_str(&m->data), w, n);

		if ((scn_has(w, n, "tls") && !m->tls) ||
		    (scn_has(w, n, "clear") && m->tls))
			continue;
		if (from && strcmp(from, m->from) != 0)
			fits = false;
		if (to && (!m->rcpts.p || strcmp(to, m->rcpts.p) != 0))
			fits = false;
		found += fits;
	}
	want_int(p, "messages", found, w[1]);
}

/* expect wire|clear|inside IP has|lacks TEXT: bytes that came there */
static void
wire(struct play *p, char **w, bool clear, bool inside)
{
	struct fake_peer *peer = peer_of(p, w[0]);
	bool found = (clear && has(buf_str(&peer->clear), w[2])) ||
	    (inside && has(buf_str(&peer->inside), w[2]));

	if (found != (strcmp(w[1], "has") == 0))
		scn_fail(
		    p, "%s got \"%s\": %s", w[0], w[2], found ? "yes" : "no");
}

static void
expect_wire(struct play *p, char **w, size_t n)
{
	(void)n;
	wire(p, w, true, true);
}

static void
expect_clear(struct play *p, char **w, size_t n)
{
	(void)n;
	wire(p, w, true, false);
}

static void
expect_inside(struct play *p, char **w, size_t n)
{
	(void)n;
	wire(p, w, false, true);
}

/* expect queue N [ADDR]: recipients in the queue */
static void
expect_queue(struct play *p, char **w, size_t n)
{
	struct store_row row;

	if (n < 2)
		want_int(p, "queue", (int64_t)fake_store_rows(), w[0]);
	else
		want_int(p, w[1], fake_store_row(w[1], &row) ? 1 : 0, w[0]);
}

/* expect row ADDR [tries=N] [rule=R] [dsn=D] [in=DURATION]: in the queue;
 * in= is the time of the next try from now, give or take a tenth */
static void
expect_row(struct play *p, char **w, size_t n)
{
	const char *tries = scn_arg(w, n, "tries"), *in = scn_arg(w, n, "in");
	const char *rule = scn_arg(w, n, "rule"), *dsn = scn_arg(w, n, "dsn");
	struct store_row row;
	int64_t wait, want;

	if (!fake_store_row(w[0], &row)) {
		scn_fail(p, "%s is not in the queue", w[0]);
		return;
	}
	if (tries)
		want_int(p, "tries", row.tries, tries);
	if ((rule && strcmp(rule, row.rule) != 0) ||
	    (dsn && strcmp(dsn, row.dsn) != 0))
		scn_fail(p, "%s has rule %s, dsn %s", w[0], row.rule, row.dsn);
	if (!in)
		return;
	wait = row.next_try - fake_real_s();
	want = scn_ms(p, in) / 1000;
	if (wait * 10 < want * 9 || wait * 10 > want * 11)
		scn_fail(p, "next try in %lld s", (long long)wait);
}

/* expect reply CLIENT CODE [has=TEXT]... [lacks=TEXT]...: its last code, and
 * all that it heard */
static void
expect_reply(struct play *p, char **w, size_t n)
{
	const struct fake_client *c = fake_client_find(w[0]);

	if (!c) {
		scn_fail(p, "there is no client %s", w[0]);
		return;
	}
	if (fake_client_code(c) != scn_int(p, w[1]) ||
	    !text_fits(fake_client_heard(c), w, n))
		scn_fail(
		    p, "%s heard: %.*s", w[0], STR_FMT(fake_client_heard(c)));
}

/* expect connections IP N */
static void
expect_connections(struct play *p, char **w, size_t n)
{
	(void)n;
	want_int(p, "connections", peer_of(p, w[0])->connections, w[1]);
}

/* expect sessions IP N: at a time, at most */
static void
expect_sessions(struct play *p, char **w, size_t n)
{
	(void)n;
	want_int(p, "sessions at a time", peer_of(p, w[0])->most, w[1]);
}

/* expect asked NAME TYPE N | all N: questions to the resolver */
static void
expect_asked(struct play *p, char **w, size_t n)
{
	enum rr_type type = RR_A;

	if (n == 2) {
		want_int(p, "questions", fake_dns_asked(NULL, RR_A), w[1]);
		return;
	}
	if (strcmp(w[1], "tlsa") == 0)
		type = RR_TLSA;
	else if (strcmp(w[1], "mx") == 0)
		type = RR_MX;
	else if (strcmp(w[1], "txt") == 0)
		type = RR_TXT;
	else if (strcmp(w[1], "cname") == 0)
		type = RR_CNAME;
	else if (strcmp(w[1], "aaaa") == 0)
		type = RR_AAAA;
	want_int(p, w[0], fake_dns_asked(w[0], type), w[2]);
}

/* expect fetches HOST N */
static void
expect_fetches(struct play *p, char **w, size_t n)
{
	(void)n;
	want_int(p, w[0], fake_http_gets(w[0]), w[1]);
}

/* expect metric NAME N */
static void
expect_metric(struct play *p, char **w, size_t n)
{
	(void)n;
	for (int m = 0; m < METRIC_COUNT; m++) {
		if (strcmp(metric_name((enum metric)m), w[0]) == 0) {
			want_int(p, w[0],
			    (int64_t)relay_metric(scn_relay(p), (enum metric)m),
			    w[1]);
			return;
		}
	}
	scn_fail(p, "there is no metric %s", w[0]);
}

/* expect policy DOMAIN none | ID: what the store has of MTA-STS */
static void
expect_policy(struct play *p, char **w, size_t n)
{
	const struct sts_entry *e = fake_store_sts(w[0]);

	(void)n;
	if (strcmp(e ? e->id : "none", w[1]) != 0)
		scn_fail(p, "policy of %s: %s", w[0], e ? e->id : "none");
}

/* What a receipt says by that name, NULL when there is no such thing. */
static const char *
receipt_field(const struct receipt *r, const char *key)
{
	const struct {
		const char *name, *value;
	} fields[] = {{"mx", r->p.mx}, {"addr", r->p.addr},
	    {"policy", r->p.policy}, {"rule", r->p.rule}, {"level", r->p.level},
	    {"mx_set", r->p.mx_set}, {"proof", r->p.proof}, {"tls", r->p.tls},
	    {"sts", r->p.sts}, {"sts_mode", r->p.sts_mode},
	    {"sts_id", r->p.sts_id}, {"sts_mx", r->p.sts_mx},
	    {"sts_audit", r->p.sts_audit}, {"dsn", r->dsn}, {"reply", r->reply},
	    {"tlsa", r->p.tlsa[0] ? "yes" : "no"},
	    {"cert", r->p.flags & RECEIPT_CERT ? "yes" : "no"},
	    {"fallback", r->p.flags & RECEIPT_FALLBACK ? "yes" : "no"},
	    {"mx_insecure", r->p.flags & RECEIPT_MX_INSECURE ? "yes" : "no"}};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strcmp(fields[i].name, key) == 0)
			return fields[i].value;
	}
	return NULL;
}

/* expect receipt ADDR none | [key=value]...: the last one of a recipient */
static void
expect_receipt(struct play *p, char **w, size_t n)
{
	const struct receipt *r = fake_store_receipt(w[0]);
	bool none = n > 1 && strcmp(w[1], "none") == 0;

	if (!r != none)
		scn_fail(p, "%s has %s receipt", w[0], r ? "a" : "no");
	for (size_t i = 1; r && i < n; i++) {
		char key[64];
		const char *eq = strchr(w[i], '='), *got;

		if (!eq)
			continue;
		snprintf(key, sizeof(key), "%.*s", (int)(eq - w[i]), w[i]);
		got = receipt_field(r, key);
		if (!got)
			scn_fail(p, "a receipt has no %s", key);
		else if (strcmp(got, eq + 1) != 0)
			scn_fail(p, "receipt of %s: %s is %s", w[0], key, got);
	}
}

/* expect copies LOST CRASHED: second copies so far, see fake_book.h */
static void
expect_copies(struct play *p, char **w, size_t n)
{
	unsigned lost, crashed;

	(void)n;
	book_copies(&lost, &crashed);
	want_int(p, "copies after a lost reply", lost, w[0]);
	want_int(p, "copies after a crash", crashed, w[1]);
}

static const struct scn_command kinds[] = {
    {"log", 1, expect_log},
    {"rcpt", 2, expect_rcpt},
    {"mail", 2, expect_mail},
    {"wire", 3, expect_wire},
    {"clear", 3, expect_clear},
    {"inside", 3, expect_inside},
    {"queue", 1, expect_queue},
    {"row", 1, expect_row},
    {"reply", 2, expect_reply},
    {"connections", 2, expect_connections},
    {"sessions", 2, expect_sessions},
    {"asked", 2, expect_asked},
    {"fetches", 2, expect_fetches},
    {"metric", 2, expect_metric},
    {"policy", 2, expect_policy},
    {"receipt", 1, expect_receipt},
    {"copies", 2, expect_copies},
    {NULL, 0, NULL},
};

static void
cmd_expect(struct play *p, char **w, size_t n)
{
	const struct scn_command *k;

	if (!scn_relay(p) || p->o->step || p->o->random)
		return;
	for (k = kinds; k->name && strcmp(k->name, w[0]) != 0; k++)
		;
	if (!k->name || n - 1 < k->min) {
		scn_fail(p, "no such expectation: %s", w[0]);
		return;
	}
	p->expects++;
	k->run(p, w + 1, n - 1);
}

const struct scn_command scn_expect_commands[] = {
    {"expect", 2, cmd_expect},
    {NULL, 0, NULL},
};
