/*
 * A server in a hundred lines: takes what RFC 5321 allows, keeps all it was
 * told, and fails the world when it gets what it must never get: mail where a
 * scenario forbids it, or what no client may send (SMTP-01, -06, -07, -23,
 * -25).
 */
#include "config.h"

#include "tests/fake/fake_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/model/msg.h"
#include "tests/fake/fake.h"
#include "tests/fake/fake_book.h"
#include "tests/fake/fake_voice.h"

#define DRIP_MS 10000

struct session {
	struct fake_peer *peer;
	struct fake_voice *voice;
	struct buf in;
	struct buf offered; /* the reply to EHLO */
	bool tls, tls_next, data, dead;
	struct fake_mail *mail; /* being received */
};

static struct list peers = {&peers, &peers};

static void
mail_free(struct fake_mail *m)
{
	if (!m)
		return;
	buf_clear(&m->rcpts);
	buf_clear(&m->data);
	free(m);
}

static struct fake_mail *
mail_new(bool tls)
{
	struct fake_mail *m = xcalloc(1, sizeof(*m));

	list_init(&m->node);
	m->tls = tls;
	buf_init(&m->rcpts, SIZE_MAX / 2);
	buf_init(&m->data, SIZE_MAX / 2);
	return m;
}

struct fake_peer *
fake_peer_get(const struct rr_addr *addr)
{
	size_t len = addr->family == 6 ? 16 : 4;
	struct fake_peer *p;

	for (struct list *n = peers.next; n != &peers; n = n->next) {
		p = CONTAINER_OF(n, struct fake_peer, node);
		if (p->addr.family == addr->family &&
		    memcmp(p->addr.ip, addr->ip, len) == 0)
			return p;
	}
	p = xcalloc(1, sizeof(*p));
	list_init(&p->node);
	list_init(&p->rules);
	list_init(&p->mails);
	p->addr = *addr;
	p->starttls = true;
	p->cert.version = TLS_V1_3;
	buf_init(&p->clear, SIZE_MAX / 2);
	buf_init(&p->inside, SIZE_MAX / 2);
	list_push(&peers, &p->node);
	return p;
}

static void
rule_free(struct fake_rule *r)
{
	list_remove(&r->node);
	free(r->text);
	free(r);
}

static struct fake_rule *
rule_next(struct fake_peer *p, const char *stage, const char *about, bool same)
{
	struct fake_rule *best = NULL;

	for (struct list *n = p->rules.next; n != &p->rules; n = n->next) {
		struct fake_rule *r = CONTAINER_OF(n, struct fake_rule, node);

		if (strcmp(r->stage, stage) != 0 || r->left == 0)
			continue;
		if (same ? strcmp(r->about, about) == 0
			 : strstr(about, r->about) != NULL)
			best = r;
	}
	return best;
}

struct fake_rule *
fake_peer_rule(struct fake_peer *p, const char *stage, const char *about,
    enum fake_act act, const char *text, int times)
{
	struct fake_rule *r = rule_next(p, stage, about, true);

	if (r)
		rule_free(r);
	r = xcalloc(1, sizeof(*r));
	list_init(&r->node);
	snprintf(r->stage, sizeof(r->stage), "%s", stage);
	snprintf(r->about, sizeof(r->about), "%s", about);
	r->act = act;
	r->text = xstrdup(text ? text : "");
	r->left = times;
	list_push(&p->rules, &r->node);
	return r;
}

void
fake_peer_unrule(struct fake_peer *p, const char *stage)
{
	struct list *n, *next;

	for (n = p->rules.next; n != &p->rules; n = next) {
		struct fake_rule *r = CONTAINER_OF(n, struct fake_rule, node);

		next = n->next;
		if (strcmp(r->stage, stage) == 0)
			rule_free(r);
	}
}

void
fake_peers_end(void)
{
	struct list *n, *m;

	while ((n = list_pop(&peers)) != NULL) {
		struct fake_peer *p = CONTAINER_OF(n, struct fake_peer, node);

		while (!list_empty(&p->rules))
			rule_free(CONTAINER_OF(
			    p->rules.next, struct fake_rule, node));
		while ((m = list_pop(&p->mails)) != NULL)
			mail_free(CONTAINER_OF(m, struct fake_mail, node));
		buf_clear(&p->clear);
		buf_clear(&p->inside);
		free(p);
	}
}

/* ---- a session ---- */

static void
say(struct session *s, const char *text, bool *seen)
{
	fake_voice_say(s->voice, text, seen);
}

static void
hang_up(struct session *s, bool reset)
{
	s->dead = true;
	fake_voice_hang_up(s->voice, reset);
}

/* Was the keyword in the last reply to EHLO? */
static bool
offers(const struct session *s, const char *keyword)
{
	struct str rest = buf_str(&s->offered), line;

	(void)str_cut(&rest, '\n', &line);
	while (str_cut(&rest, '\n', &line)) {
		struct str word;

		line = str_skip(line, 4);
		if (str_cut(&line, ' ', &word) &&
		    str_eq_ci(word, str_of(keyword)))
			return true;
	}
	return false;
}

/* What the peer says at a stage, NULL when it says nothing (more). */
static const char *
stage_reply(struct session *s, const char *stage, const char *about,
    const char *usual, bool *drop)
{
	struct fake_rule *r = rule_next(s->peer, stage, about, false);

	*drop = false;
	if (!r)
		return usual;
	if (r->left > 0)
		r->left--;
	fake_voice_wait(s->voice, r->after_ms);
	switch (r->act) {
	case FAKE_ACT_REPLY:
		return r->text;
	case FAKE_ACT_REPLY_DROP:
		*drop = true;
		return r->text;
	case FAKE_ACT_DROP:
	case FAKE_ACT_RESET:
		hang_up(s, r->act == FAKE_ACT_RESET);
		return NULL;
	case FAKE_ACT_STALL:
		s->dead = true;
		return NULL;
	case FAKE_ACT_FLOOD:
	case FAKE_ACT_DRIP:
		s->dead = true;
		fake_voice_repeat(
		    s->voice, r->text, r->act == FAKE_ACT_DRIP ? DRIP_MS : 0);
		return NULL;
	}
	return usual;
}

/* The reply when it was a good one (2yz, 3yz), or NULL. */
static const char *
at_stage(
    struct session *s, const char *stage, const char *about, const char *usual)
{
	bool drop;
	const char *text = stage_reply(s, stage, about, usual, &drop);

	if (!text)
		return NULL;
	say(s, text, NULL);
	if (drop)
		hang_up(s, false);
	return text[0] == '2' || text[0] == '3' ? text : NULL;
}

static void
on_ehlo(struct session *s, const char *line)
{
	const struct fake_peer *p = s->peer;
	struct str rest = p->caps[0]
	    ? str_of(p->caps)
	    : STR("PIPELINING,SIZE 52428800,8BITMIME,ENHANCEDSTATUSCODES");
	struct str cap;
	struct buf b;
	const char *said;

	buf_init(&b, 4096);
	buf_add_cstr(&b, "250-mx.fake");
	while (str_cut(&rest, ',', &cap))
		buf_addf(&b, "\n250-%.*s", STR_FMT(cap));
	if (p->starttls && !s->tls)
		buf_add_cstr(&b, "\n250-STARTTLS");
	buf_add_cstr(&b, "\n250 HELP");
	said = at_stage(s, "ehlo", line, b.p);
	buf_reset(&s->offered);
	buf_add_cstr(&s->offered, said ? said : "");
	buf_clear(&b);
}

/* SMTP-07: no parameter that was not offered. */
static void
check_params(const struct session *s, const char *line)
{
	struct str rest = str_of(line), word;

	while (str_cut(&rest, ' ', &word)) {
		if ((str_starts_ci(word, STR("SIZE=")) && !offers(s, "SIZE")) ||
		    (str_starts_ci(word, STR("BODY=")) &&
			!offers(s, "8BITMIME")) ||
		    (str_eq_ci(word, STR("SMTPUTF8")) &&
			!offers(s, "SMTPUTF8")) ||
		    (str_eq_ci(word, STR("REQUIRETLS")) &&
			!offers(s, "REQUIRETLS")))
			fake_fail("SMTP-07: %.*s was not offered: %s",
			    STR_FMT(word), line);
	}
}

static void
on_mail(struct session *s, const char *line)
{
	const struct fake_peer *p = s->peer;
	char addr[RR_ADDR_TEXT];

	rr_addr_str(&p->addr, addr);
	if (p->forbid_mail)
		fake_fail("%s got %s, which it must never get", addr, line);
	if (p->forbid_clear && !s->tls)
		fake_fail("%s got %s in clear", addr, line);
	check_params(s, line);
	if (!at_stage(s, "mail", line, "250 2.1.0 ok"))
		return;
	mail_free(s->mail);
	s->mail = mail_new(s->tls);
	snprintf(s->mail->from, sizeof(s->mail->from), "%.*s",
	    (int)strcspn(line + 11, ">"), line + 11);
}

static void
on_rcpt(struct session *s, const char *line)
{
	struct str addr = str_skip(str_of(line), 9);

	addr.n = str_find(addr, '>');
	if (!at_stage(s, "rcpt", line, "250 2.1.5 ok") || !s->mail)
		return;
	buf_addf(&s->mail->rcpts, "%s%.*s", s->mail->rcpts.n ? " " : "",
	    STR_FMT(addr));
}

static void
on_data(struct session *s, const char *line)
{
	static const char no[] = "503 5.5.1 no recipients";

	if (!s->mail)
		say(s, no, NULL);
	else
		s->data = at_stage(s, "data", line,
			      s->mail->rcpts.n ? "354 go on" : no) != NULL;
}

static void
on_starttls(struct session *s, const char *line)
{
	if (!s->peer->starttls)
		say(s, "502 5.5.1 no such command", NULL);
	else if (at_stage(s, "starttls", line, "220 2.0.0 go on"))
		s->tls_next = true;
}

static void
on_command(struct session *s, const char *line)
{
	struct str l = str_of(line);

	if (str_starts_ci(l, STR("EHLO "))) {
		on_ehlo(s, line);
	} else if (str_starts_ci(l, STR("HELO "))) {
		(void)at_stage(s, "helo", line, "250 mx.fake");
	} else if (str_starts_ci(l, STR("STARTTLS"))) {
		on_starttls(s, line);
	} else if (str_starts_ci(l, STR("MAIL FROM:<"))) {
		on_mail(s, line);
	} else if (str_starts_ci(l, STR("RCPT TO:<"))) {
		on_rcpt(s, line);
	} else if (str_starts_ci(l, STR("DATA"))) {
		on_data(s, line);
	} else if (str_starts_ci(l, STR("QUIT"))) {
		(void)at_stage(s, "quit", line, "221 2.0.0 bye");
		if (!s->dead)
			hang_up(s, false);
	} else {
		say(s, "500 5.5.1 what?", NULL);
	}
}

/* The final dot: each recipient has a copy from here on. */
static void
on_dot(struct session *s)
{
	struct fake_mail *m = s->mail;
	struct str rest = buf_str(&m->rcpts), addr;
	char token[128], text[ADDR_MAX], none[1] = "";
	bool drop, *seen = NULL;
	const char *reply = stage_reply(s, "eod",
	    m->rcpts.p ? m->rcpts.p : none,
	    m->rcpts.n ? "250 2.0.0 taken" : "554 5.5.1 no recipients", &drop);

	if (m->rcpts.n == 0 && m->data.n > 0)
		fake_fail("SMTP-23: data for no recipient");

	s->data = false;
	s->mail = NULL;
	/* A host that stalls or hangs up here may have taken it all the same. */
	if (reply && reply[0] != '2') {
		say(s, reply, NULL);
		mail_free(m);
	} else {
		book_token(buf_str(&m->data), token);
		while (str_cut(&rest, ' ', &addr)) {
			bool *mine;

			snprintf(text, sizeof(text), "%.*s", STR_FMT(addr));
			mine = book_taken(token, text);
			/* One reply: all are seen when the first is. */
			if (!seen)
				seen = mine;
			else
				book_same(mine, seen);
		}
		if (reply)
			say(s, reply, seen);
		list_push(&s->peer->mails, &m->node);
	}
	if (drop)
		hang_up(s, false);
}

static bool
has_high(struct str line)
{
	for (size_t i = 0; i < line.n; i++) {
		if ((unsigned char)line.p[i] > 0x7f)
			return true;
	}
	return false;
}

static void
on_data_line(struct session *s, struct str line)
{
	if (str_eq(line, STR("."))) {
		on_dot(s);
		return;
	}
	if (str_starts(line, STR(".")))
		line = str_skip(line, 1);
	if (has_high(line) && !offers(s, "8BITMIME"))
		fake_fail("SMTP-25: 8-bit data without 8BITMIME");
	buf_add_str(&s->mail->data, line);
	buf_add_cstr(&s->mail->data, "\r\n");
}

/* SMTP-23: a group needs PIPELINING, and these end one. */
static bool
may_be_more(const struct session *s, const char *line)
{
	struct str l = str_of(line);

	return offers(s, "PIPELINING") && !str_starts_ci(l, STR("DATA")) &&
	    !str_starts_ci(l, STR("EHLO")) && !str_starts_ci(l, STR("QUIT")) &&
	    !str_starts_ci(l, STR("STARTTLS"));
}

static void
session_data(void *arg, struct str bytes, bool tls)
{
	struct session *s = arg;
	char line[1024];
	size_t used = 0;

	buf_add_str(tls ? &s->peer->inside : &s->peer->clear, bytes);
	buf_add_str(&s->in, bytes);
	while (!s->dead && !s->tls_next) {
		struct str all = str_skip(buf_str(&s->in), used);
		size_t n = str_find(all, '\n');

		if (n == all.n)
			break;
		if (n == 0 || all.p[n - 1] != '\r') {
			fake_fail("bare LF on the wire");
			break;
		}
		if (s->data) {
			on_data_line(s, str_n(all.p, n - 1));
		} else {
			snprintf(
			    line, sizeof(line), "%.*s", (int)(n - 1), all.p);
			on_command(s, line);
			if (all.n > n + 1 && !may_be_more(s, line))
				fake_fail("SMTP-23: more behind %s", line);
		}
		used += n + 1;
	}
	buf_shift(&s->in, used);
}

static void
session_tls(void *arg, bool ok)
{
	struct session *s = arg;

	s->tls_next = false;
	s->tls = ok;
	/* SMTP-22: nothing said before counts any more. */
	buf_reset(&s->in);
	buf_reset(&s->offered);
	mail_free(s->mail);
	s->mail = NULL;
}

static void
session_closed(void *arg)
{
	struct session *s = arg;

	s->peer->sessions--;
	mail_free(s->mail);
	buf_clear(&s->in);
	buf_clear(&s->offered);
	fake_voice_free(s->voice);
	free(s);
}

static const struct fake_cert *
session_cert(void *arg)
{
	const struct session *s = arg;

	return &s->peer->cert;
}

int
fake_peer_accept(struct conn *c, const struct sockaddr_any *to,
    const struct fake_side **side, void **arg)
{
	static const struct fake_side ops = {
	    session_data, session_tls, session_closed, session_cert};
	struct rr_addr a = {.family = to->family};
	struct fake_peer *p;
	struct session *s;

	memcpy(a.ip, to->ip, sizeof(a.ip));
	p = fake_peer_get(&a);
	switch (p->state) {
	case FAKE_PEER_UP:
		break;
	case FAKE_PEER_REFUSING:
		return ERR_REFUSED;
	case FAKE_PEER_UNREACHABLE:
		return ERR_UNREACH;
	case FAKE_PEER_SILENT:
		return ERR_TIMEOUT;
	}
	p->connections++;
	p->sessions++;
	if (p->sessions > p->most)
		p->most = p->sessions;
	s = xcalloc(1, sizeof(*s));
	s->peer = p;
	s->voice = fake_voice_new(c);
	buf_init(&s->in, SIZE_MAX / 2);
	buf_init(&s->offered, SIZE_MAX / 2);
	*side = &ops;
	*arg = s;
	(void)at_stage(s, "connect", "", "220 mx.fake ESMTP");
	return 0;
}
