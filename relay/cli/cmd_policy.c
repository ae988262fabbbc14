/*
 * waxseal policy: the cached MTA-STS policies. What is read is read the same
 * way with and without a daemon; refresh and forget are the daemon's alone,
 * because the shard that owns the domain must do them.
 */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/base/clock.h"
#include "relay/base/date.h"
#include "relay/base/domain.h"
#include "relay/cli/ask.h"
#include "relay/cli/cli.h"
#include "relay/cli/policy_src.h"
#include "relay/ctl/ctl_json.h"
#include "relay/ctl/ctl_policy.h"
#include "relay/ctl/ctl_text.h"
#include "sts/sts_policy.h"

#define OWNER_WAIT_S 150 /* TXT, addresses and policy, all silent */
#define INPUT_MAX (512u * 1024u * 1024u) /* bytes of an import */

static int64_t
now_s(void)
{
	struct clock clock = clock_system();

	return clock_real_s(&clock);
}

/* What is in an entry that was checked. */
static void
policy_of(const struct sts_entry *e, struct sts_policy *p)
{
	if (sts_policy_parse(str_n(e->body, e->body_len), p, NULL))
		BUG("a policy that was checked is none");
}

static const char *
state_of(const struct sts_entry *e)
{
	return e->expires > now_s() ? "in force" : "expired";
}

static void
print_json(json_t *take_root)
{
	struct buf b;

	buf_init(&b, 64u * 1024u * 1024u);
	ctl_json_write(take_root, &b);
	cli_print(buf_str(&b));
	buf_clear(&b);
}

static json_t *
entry_json(const struct sts_entry *e, const struct sts_policy *p)
{
	json_t *o = ctl_json_object();

	ctl_json_text(o, "domain", e->domain);
	ctl_json_text(o, "mode", sts_mode_str(p->mode));
	ctl_json_text(o, "id", e->id);
	ctl_json_time(o, "fetched", e->fetched);
	ctl_json_time(o, "expires", e->expires);
	ctl_json_text(o, "state", state_of(e));
	return o;
}

/* ---- list ---- */

static void
list_row(const struct cli *c, const struct sts_entry *e, bool first)
{
	struct sts_policy p = {0};
	char until[DATE_MAX];

	policy_of(e, &p);
	if (c->json) {
		json_t *o = entry_json(e, &p);

		cli_print(first ? STR("") : STR(","));
		if (json_dumpf(o, stdout, JSON_COMPACT))
			BUG("JSON of our own can't be written");
		json_decref(o);
	} else {
		date_rfc3339(e->expires, until);
		printf("%s%-8s %-9s %-21s %s\n",
		    first ? "MODE     STATE     UNTIL                 DOMAIN\n"
			  : "",
		    sts_mode_str(p.mode), state_of(e), until, e->domain);
	}
	sts_policy_clear(&p);
}

static int
run_list(const struct cli *c)
{
	/* Once a value has begun, no other may follow on standard output. */
	struct cli begun = *c;
	struct policy_src *s;
	struct policy_page page = {.more = true};
	size_t n = 0, bad = 0;

	if (c->n_words != 2)
		return cli_bad_usage("policy list takes no arguments");
	s = policy_src_open(&begun, false);
	while (page.more) {
		char after[DOMAIN_MAX];

		memcpy(after, page.last, sizeof(after));
		policy_src_page(s, after, false, &page, &bad);
		if (c->json && n == 0 && page.n > 0) {
			cli_print(STR("{\"ok\":true,\"rows\":["));
			begun.json = false;
		}
		for (size_t i = 0; i < page.n; i++)
			list_row(c, &page.v[i], n++ == 0);
	}
	if (c->json)
		cli_print(n ? STR("]}\n") : STR("{\"ok\":true,\"rows\":[]}\n"));
	else if (n == 0)
		cli_print(STR("no policy is cached\n"));
	policy_src_close(s);
	return bad > 0 ? EXIT_UNKNOWN : EXIT_FINE;
}

/* ---- show ---- */

/* A domain as it is stored; false: it is none, which was said. */
static bool
read_domain(const char *word, char out[DOMAIN_MAX])
{
	struct str s = str_of(word);

	if (!domain_is_ip(s) && domain_canon_host(s, out) == 0)
		return true;
	(void)cli_bad_usage("DOMAIN is not the name of a mail domain");
	return false;
}

/* What the owner says, as JSON; NULL without a daemon. */
static json_t *
ask_owner(const struct cli *c, int fd, enum ctl_cmd cmd, const char *domain)
{
	struct ctl_question q = {.cmd = cmd};
	struct ctl_answer a;
	struct buf answer;
	json_t *root;

	if (fd < 0)
		return NULL;
	memcpy(q.domain, domain, strlen(domain) + 1);
	ask_patience(fd, OWNER_WAIT_S);
	buf_init(&answer, CTL_ANSWER_MAX);
	cli_must_ask(c, fd, &q, &answer, &a);
	root = json_loadb(answer.p, answer.n, 0, NULL);
	buf_clear(&answer);
	return ctl_json_need(root);
}

static const char *
member(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* Remote text, as a terminal may see it. */
static void
say(const char *before, const char *s, const char *after)
{
	struct buf b;

	buf_init(&b, 4 * strlen(s) + 1);
	ctl_text_add(&b, str_of(s));
	printf("%s%s%s", before, b.p ? b.p : "", after);
	buf_clear(&b);
}

static void
show_text(const struct sts_entry *e, const struct sts_policy *p)
{
	struct str rest = str_n(e->body, e->body_len), line;
	char date[DATE_MAX];

	printf(
	    "%s: mode %s, %s\n", e->domain, sts_mode_str(p->mode), state_of(e));
	printf("  id          %s\n", e->id);
	date_rfc3339(e->fetched, date);
	printf("  fetched     %s\n", date);
	date_rfc3339(e->expires, date);
	printf("  expires     %s\n", date);
	for (const char *word = "text"; str_cut(&rest, '\n', &line);
	     word = "") {
		struct buf b;

		line = str_trim(line);
		if (line.n == 0)
			continue;
		buf_init(&b, 4 * line.n + 1);
		ctl_text_add(&b, line);
		printf("  %-11s %s\n", word, b.p);
		buf_clear(&b);
	}
}

static void
show_host(const char *host, const char *pattern)
{
	if (pattern)
		printf("  MX host     %s is named, by %s\n", host, pattern);
	else
		printf("  MX host     %s is not named\n", host);
}

/* What the daemon would go by now. */
static void
show_now(const json_t *now)
{
	if (!now)
		return;
	say("  now         ", member(now, "source"), "");
	if (member(now, "text")[0])
		say(": ", member(now, "text"), "");
	say(" (", member(now, "rule"), ")\n");
}

static void
show_json(const struct sts_entry *e, const struct sts_policy *p,
    const char *host, const char *pattern, json_t *take_now)
{
	json_t *o = entry_json(e, p);
	json_t *mx = ctl_json_need(json_array());

	for (size_t i = 0; i < p->n_mx; i++)
		if (json_array_append_new(mx, json_string(p->mx[i])))
			BUG("out of memory");
	ctl_json_bool(o, "ok", true);
	ctl_json_set(o, "mx", mx);
	ctl_json_str(o, "body", str_n(e->body, e->body_len));
	if (host)
		ctl_json_set(o, "named_by",
		    pattern ? json_string(pattern) : json_null());
	ctl_json_set(o, "now", take_now ? take_now : json_null());
	print_json(o);
}

static int
show_entry(const struct cli *c, const struct sts_entry *e, const char *host,
    json_t *take_now)
{
	struct sts_policy p = {0};
	const char *pattern;

	policy_of(e, &p);
	pattern = host ? sts_policy_pattern(&p, host) : NULL;
	if (c->json) {
		show_json(e, &p, host, pattern, take_now);
	} else {
		show_text(e, &p);
		if (host)
			show_host(host, pattern);
		show_now(take_now);
		json_decref(take_now);
	}
	sts_policy_clear(&p);
	return host && !pattern ? EXIT_NO : EXIT_FINE;
}

static int
run_show(const struct cli *c)
{
	char domain[DOMAIN_MAX], host[DOMAIN_MAX] = "";
	struct policy_page page;
	struct policy_src *s;
	json_t *now;
	size_t bad = 0;
	int rc;

	if (c->n_words < 3 || c->n_words > 4)
		return cli_bad_usage("policy show takes a DOMAIN, and may take "
				     "an MX HOST");
	if (!read_domain(c->words[2], domain) ||
	    (c->n_words == 4 && !read_domain(c->words[3], host)))
		return EXIT_USAGE;
	s = policy_src_open(c, false);
	policy_src_page(s, domain, true, &page, &bad);
	if (page.n == 1) {
		now = ask_owner(c, policy_src_fd(s), CTL_POLICY_ASK, domain);
		rc = show_entry(c, &page.v[0], host[0] ? host : NULL, now);
	} else {
		rc = bad > 0 ? EXIT_UNKNOWN : EXIT_NO;
		if (c->json)
			cli_print(STR("{\"ok\":false,\"error\":\"no policy of "
				      "that domain is cached\"}\n"));
		else
			printf("%s: no policy is cached\n", domain);
	}
	policy_src_close(s);
	return rc;
}

/* ---- refresh and forget ---- */

static int
show_refreshed(const json_t *a)
{
	bool fresh = strcmp(member(a, "source"), "fresh") == 0;
	bool cached = strcmp(member(a, "source"), "cached") == 0;

	say("", member(a, "domain"), ": ");
	if (!fresh) {
		say(cached ? "not fetched" : "no policy", "", "");
		if (member(a, "text")[0])
			say(": ", member(a, "text"), "");
		else
			say(": there is no valid record at _mta-sts.",
			    member(a, "domain"), " (STS-02)");
		cli_print(STR("\n"));
	}
	if (cached)
		cli_print(STR("the cached one stays in force: "));
	if (fresh || cached) {
		say(fresh ? "fetched: mode " : "mode ", member(a, "mode"), "");
		say(", id ", member(a, "id"), "");
		say(", until ", member(a, "expires"), "\n");
	}
	return fresh ? EXIT_FINE : EXIT_NO;
}

static int
run_refresh(const struct cli *c)
{
	char domain[DOMAIN_MAX];
	json_t *a;
	int fd, rc;

	if (c->n_words != 3)
		return cli_bad_usage("policy refresh takes one DOMAIN");
	if (!read_domain(c->words[2], domain))
		return EXIT_USAGE;
	fd = cli_connect(c);
	a = ask_owner(c, fd, CTL_POLICY_REFRESH, domain);
	close(fd);
	if (c->json) {
		rc = strcmp(member(a, "source"), "fresh") ? EXIT_NO : EXIT_FINE;
		print_json(a);
		return rc;
	}
	rc = show_refreshed(a);
	json_decref(a);
	return rc;
}

static int
run_forget(const struct cli *c)
{
	char domain[DOMAIN_MAX];
	json_t *a;
	int fd;

	if (c->n_words != 3)
		return cli_bad_usage("policy forget takes one DOMAIN");
	if (!read_domain(c->words[2], domain))
		return EXIT_USAGE;
	if (!cli_opt(c, CLI_OPT_YES)) {
		fprintf(stderr,
		    "waxseal: the relay would no longer know that %s has a "
		    "policy, nor that\nit ever had one or DANE: mail held by "
		    "continuity = hold goes. Until a policy\nis fetched again, "
		    "mail to it may go out in clear or to a host that "
		    "somebody\nforged. Say --yes if that is what you want.\n",
		    domain);
		return EXIT_USAGE;
	}
	fd = cli_connect(c);
	a = ask_owner(c, fd, CTL_POLICY_FORGET, domain);
	close(fd);
	if (c->json) {
		print_json(a);
	} else {
		printf("%s: forgotten\n", domain);
		json_decref(a);
	}
	return EXIT_FINE;
}

/* ---- export and import ---- */

static int
run_export(const struct cli *c)
{
	struct policy_page page = {.more = true};
	struct policy_src *s;
	size_t n = 0, bad = 0;
	struct buf b;

	if (c->n_words != 2)
		return cli_bad_usage("policy export takes no arguments");
	s = policy_src_open(c, false);
	buf_init(&b, CTL_LINE_MAX);
	while (page.more) {
		char after[DOMAIN_MAX];

		memcpy(after, page.last, sizeof(after));
		policy_src_page(s, after, false, &page, &bad);
		for (size_t i = 0; i < page.n; i++) {
			buf_reset(&b);
			ctl_policy_line(&page.v[i], false, &b);
			cli_print(buf_str(&b));
			n++;
		}
	}
	buf_clear(&b);
	policy_src_close(s);
	fprintf(stderr, "waxseal: %zu policies", n);
	if (bad > 0)
		fprintf(stderr, ", and %zu that can't be read", bad);
	fprintf(stderr, "\n");
	return bad > 0 ? EXIT_UNKNOWN : EXIT_FINE;
}

struct input {
	struct sts_entry *v;
	size_t n, cap;
	size_t expired, bad;
};

static void
read_input(struct buf *b)
{
	char chunk[65536];
	ssize_t n;

	while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0) {
		if (buf_add(b, chunk, (size_t)n))
			die(EXIT_USAGE, "standard input: larger than 512 MB");
	}
	if (n < 0)
		die(EXIT_UNKNOWN, "standard input: %s", strerror(errno));
}

static void
take_line(struct input *in, struct str line, size_t number)
{
	const char *text = "";
	struct sts_entry e;
	int64_t now = now_s();

	if (ctl_policy_parse(line, false, now, &e, &text)) {
		fprintf(stderr, "waxseal: line %zu: %s\n", number, text);
		in->bad++;
		return;
	}
	if (e.expires <= now) {
		in->expired++;
		sts_entry_clear(&e);
		return;
	}
	if (in->n == in->cap) {
		in->cap = in->cap > 0 ? 2 * in->cap : 64;
		in->v = xrealloc(in->v, in->cap * sizeof(*in->v));
	}
	in->v[in->n++] = e;
}

static void
import_done(const struct cli *c, const struct input *in, size_t taken)
{
	size_t older = in->n - taken;
	json_t *o;

	if (!c->json) {
		printf("%zu taken; %zu left out, as new a one is there; %zu "
		       "expired\n",
		    taken, older, in->expired);
		return;
	}
	o = ctl_json_answer(true);
	ctl_json_number(o, "taken", (int64_t)taken);
	ctl_json_number(o, "older", (int64_t)older);
	ctl_json_number(o, "expired", (int64_t)in->expired);
	print_json(o);
}

static int
run_import(const struct cli *c)
{
	struct input in = {.n = 0};
	struct policy_src *s;
	struct str rest, line;
	size_t number = 0, taken = 0;
	struct buf b;

	if (c->n_words != 2)
		return cli_bad_usage("policy import takes no arguments; it "
				     "reads standard input");
	buf_init(&b, INPUT_MAX);
	read_input(&b);
	rest = buf_str(&b);
	while (str_cut(&rest, '\n', &line)) {
		number++;
		if (str_trim(line).n > 0)
			take_line(&in, str_trim(line), number);
	}
	buf_clear(&b);
	/* No line is taken unless all are right. Each is then stored alone: an
	 * end in the middle says how far it came. */
	if (in.bad > 0) {
		fprintf(stderr, "waxseal: nothing was imported\n");
		if (c->json)
			cli_print(STR("{\"ok\":false,\"error\":\"lines are "
				      "wrong; nothing was imported\"}\n"));
	} else {
		s = policy_src_open(c, true);
		for (size_t i = 0; i < in.n; i++)
			taken += policy_src_import(s, &in.v[i]) == 0;
		policy_src_close(s);
		import_done(c, &in, taken);
	}
	for (size_t i = 0; i < in.n; i++)
		sts_entry_clear(&in.v[i]);
	free(in.v);
	return in.bad > 0 ? EXIT_NO : EXIT_FINE;
}

int
cmd_policy(const struct cli *c)
{
	static const struct {
		const char *name;
		int (*run)(const struct cli *c);
	} subs[] = {{"list", run_list}, {"show", run_show},
	    {"refresh", run_refresh}, {"forget", run_forget},
	    {"export", run_export}, {"import", run_import}};
	const char *sub = c->n_words > 1 ? c->words[1] : "";

	for (size_t i = 0; i < sizeof(subs) / sizeof(subs[0]); i++) {
		if (strcmp(sub, subs[i].name) == 0)
			return subs[i].run(c);
	}
	return cli_bad_usage("policy what? list, show, refresh, forget, export "
			     "or import");
}
