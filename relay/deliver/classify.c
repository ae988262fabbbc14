/*
 * What a failure means. Anybody on the way can forge what a host says before
 * TLS is up, so under a plan that asks for more than opportunistic TLS
 * nothing that came in clear is permanent (SMTP-29), and what the plan forbids
 * is transient until the queue lifetime ends (DANE-57, STS-30, STS-31). Clear
 * text is only ever the plan's word: TLS_FAIL_CLEAR, once, on a new connection.
 */
#include "config.h"

#include "relay/deliver/classify.h"

#include <stdio.h>
#include <string.h>

#include "relay/smtp/ecode.h"

#define DSN_NO_TLS "4.7.10" /* RFC 5248: encryption needed */
#define DSN_TRUST "4.7.5" /* RFC 3463 3.8: cryptographic failure */
#define DSN_REQUIRETLS "4.7.30" /* RFC 8689 4.2.1, 7 */

static bool
is_policy(const struct tls_plan *plan)
{
	return plan->level != TLS_OPPORTUNISTIC || plan->requiretls;
}

/* RFC 7672 9.1: what the plan that would have applied makes of the session.
 * mail: it got as far as MAIL. */
static const char *
audit_of(const struct classify_session *s, bool mail)
{
	const struct tls_plan *would = s->plan->audit;

	if (!would)
		return "skip";
	if (would->level == TLS_OPPORTUNISTIC)
		return tls_failure_str(TLS_OK);
	if (s->tls && s->tls->established)
		return tls_failure_str(s->tls->would);
	/* In clear because TLS failed a moment ago. */
	if (s->clear_retry || s->failure == CLIENT_FAIL_TLS)
		return tls_failure_str(TLS_HANDSHAKE);
	if (mail || s->failure == CLIENT_FAIL_NO_STARTTLS)
		return tls_failure_str(TLS_NO_STARTTLS);
	return "unknown";
}

static void
begin(const struct classify_session *s, bool mail, struct outcome *out)
{
	outcome_init(out, OUT_DEFERRED);
	out->audit_rule = s->plan->audit_rule;
	if (out->audit_rule)
		out->audit = audit_of(s, mail);
	out->by = s->plan->by;
	out->clear_fallback = s->clear_retry;
	/* With MTA-STS on top the policy names the host (DANE-19). */
	out->mx_insecure = s->plan->mx_insecure && s->plan->level == TLS_DANE;
	if (s->tls)
		out->tls = *s->tls;
}

/* A reply of the peer as outcome; dsn NULL takes the reply's own. */
static void
set_reply(struct outcome *out, enum outcome_class cls, const char *dsn,
    const char *rule, const struct reply *r)
{
	char code[ECODE_MAX];
	struct str own = reply_dsn(r);
	struct buf line;

	buf_init(&line, REPLY_TEXT_MAX);
	reply_line(r, &line);
	if (!dsn && own.n > 0 && own.n < sizeof(code)) {
		snprintf(code, sizeof(code), "%.*s", STR_FMT(own));
		dsn = code;
	} else if (!dsn) {
		dsn = ecode_default(r->code);
	}
	outcome_set(out, cls, dsn, rule, "%s", line.p);
	out->remote = true;
	buf_clear(&line);
}

static const char *
why_lost(const struct classify_session *s)
{
	if (s->err_text && s->err_text[0])
		return s->err_text;
	if (s->err)
		return err_str(s->err);
	return s->failure == CLIENT_FAIL_TIMEOUT ? "timed out"
						 : "closed by peer";
}

static enum classify_next
lost(const struct classify_session *s, struct outcome *out)
{
	/* RFC 3463 3.5: X.4.1 no answer from host, X.4.2 bad connection */
	if (!s->connected)
		outcome_set(out, OUT_DEFERRED, "4.4.1", "SMTP-16",
		    "cannot connect: %s", why_lost(s));
	else if (s->failure == CLIENT_FAIL_TIMEOUT)
		outcome_set(out, OUT_DEFERRED, "4.4.2", "SMTP-10",
		    "the host did not answer in time");
	else
		outcome_set(out, OUT_DEFERRED, "4.4.2", "SMTP-16",
		    "connection lost: %s", why_lost(s));
	return CLASSIFY_NEXT_ADDR;
}

/* A greeting, EHLO or HELO that refuses. */
static enum classify_next
refused(const struct classify_session *s, struct outcome *out)
{
	if (!s->reply) {
		outcome_set(out, OUT_DEFERRED, "4.5.0", "SMTP-08",
		    "the host refused the session");
		return CLASSIFY_NEXT_HOST;
	}
	if (reply_class(s->reply) != 5) {
		set_reply(out, OUT_DEFERRED, NULL, "SMTP-09", s->reply);
		return CLASSIFY_NEXT_ADDR;
	}
	/* It says nothing of the message or its recipients, and anybody on
	 * the way can say it: never for good (SMTP-29). */
	set_reply(out, OUT_DEFERRED, "4.3.2", "SMTP-29", s->reply);
	return CLASSIFY_NEXT_HOST;
}

/* What the plan says beforehand about this kind of failure. */
static enum classify_next
by_plan(
    const struct classify_session *s, enum tls_fail what, struct outcome *out)
{
	out->by_policy = is_policy(s->plan);
	switch (what) {
	case TLS_FAIL_CLEAR:
		/* A policy above opportunistic never says so; if it did, it
		 * would not count. */
		if (!s->clear_retry && !is_policy(s->plan))
			return CLASSIFY_CLEAR;
		return CLASSIFY_NEXT_HOST;
	case TLS_FAIL_DEFER:
		return CLASSIFY_FINAL;
	case TLS_FAIL_NEXT:
		break;
	}
	return CLASSIFY_NEXT_HOST;
}

static enum classify_next
no_starttls(const struct classify_session *s, struct outcome *out)
{
	if (s->reply) {
		struct buf line;

		buf_init(&line, REPLY_TEXT_MAX);
		reply_line(s->reply, &line);
		outcome_set(out, OUT_DEFERRED, DSN_NO_TLS, s->plan->rule,
		    "TLS is required and the host refuses it: %s", line.p);
		buf_clear(&line);
	} else {
		outcome_set(out, OUT_DEFERRED, DSN_NO_TLS, s->plan->rule,
		    "TLS is required and the host does not offer STARTTLS");
	}
	out->tls.failure = TLS_NO_STARTTLS;
	return by_plan(s, s->plan->on_no_starttls, out);
}

static enum classify_next
tls_failed(const struct classify_session *s, struct outcome *out)
{
	if (out->tls.failure == TLS_OK)
		out->tls.failure = TLS_HANDSHAKE;
	outcome_set(out, OUT_DEFERRED, DSN_TRUST, s->plan->rule,
	    "TLS failed: %s%s%s", tls_failure_str(out->tls.failure),
	    out->tls.text[0] ? ": " : "", out->tls.text);
	return by_plan(s, s->plan->on_tls_failure, out);
}

enum classify_next
classify_session(const struct classify_session *s, struct outcome *out)
{
	begin(s, false, out);
	out->host_fault = true;
	if (s->not_proven) {
		outcome_set(out, OUT_DEFERRED, DSN_TRUST, "GATE",
		    "what the plan demands was not proven; nothing was sent");
		out->by_policy = true;
		return CLASSIFY_NEXT_HOST;
	}
	switch (s->failure) {
	case CLIENT_FAIL_GREETING:
	case CLIENT_FAIL_EHLO:
		return refused(s, out);
	case CLIENT_FAIL_NO_STARTTLS:
		return no_starttls(s, out);
	case CLIENT_FAIL_TLS:
		return tls_failed(s, out);
	case CLIENT_FAIL_NO_REQUIRETLS:
		outcome_set(out, OUT_DEFERRED, DSN_REQUIRETLS, "RTLS-06",
		    "the host does not offer REQUIRETLS");
		out->by_policy = true;
		return CLASSIFY_NEXT_HOST;
	case CLIENT_FAIL_PROTOCOL:
		outcome_set(out, OUT_DEFERRED, "4.5.0", "SMTP-08",
		    "the host does not speak SMTP as it should");
		return CLASSIFY_NEXT_HOST;
	case CLIENT_OK:
	case CLIENT_FAIL_CLOSED:
	case CLIENT_FAIL_TIMEOUT:
		break;
	}
	return lost(s, out);
}

/* RFC 5321 4.5.3.1.10: 552 for too many recipients counts as 452 (SMTP-12),
 * unless the host says that it means something else. */
static bool
too_many_rcpts(const struct client_rcpt_result *r)
{
	struct str dsn = reply_dsn(r->reply);

	return r->reply->code == 552 && strcmp(r->stage, "RCPT") == 0 &&
	    (dsn.n == 0 || str_eq(dsn, STR("5.5.3")));
}

static void
classify_reply(const struct classify_session *s,
    const struct client_rcpt_result *r, struct outcome *out)
{
	bool in_clear = !s->tls || !s->tls->established;

	if (too_many_rcpts(r))
		set_reply(out, OUT_DEFERRED, "4.5.3", "SMTP-12", r->reply);
	else if (r->reply->code == 530 && in_clear)
		/* RFC 3207 4: STARTTLS first. The next session may do it. */
		set_reply(out, OUT_DEFERRED, DSN_NO_TLS, "SMTP-29", r->reply);
	else if (reply_class(r->reply) == 5)
		set_reply(out, OUT_BOUNCED, NULL, "SMTP-09", r->reply);
	else
		set_reply(out, OUT_DEFERRED, NULL, "SMTP-09", r->reply);
}

static const char *
local_rule(const char *dsn)
{
	if (strcmp(dsn, "5.6.3") == 0)
		return "SMTP-25";
	return strcmp(dsn, "5.6.7") == 0 ? "SMTP-26" : "SMTP-27";
}

/* RFC 8461 5: what mode enforce would have said. Of a certificate tls/ has
 * said it already. */
static void
note_testing(const struct classify_session *s, struct outcome *out)
{
	if (!s->plan->audit_pkix || out->tls.audit != TLS_OK)
		return;
	if (!out->tls.established)
		out->tls.audit = s->clear_retry ? TLS_HANDSHAKE
						: TLS_NO_STARTTLS;
	else if (s->plan->audit_mismatch) /* STS-34, RFC 8460 4.3.1 */
		out->tls.audit = TLS_HOST_MISMATCH;
}

void
classify_rcpt(const struct classify_session *s,
    const struct client_rcpt_result *r, struct outcome *out)
{
	begin(s, true, out);
	note_testing(s, out);
	switch (r->state) {
	case CLIENT_RCPT_ACCEPTED:
		set_reply(out, OUT_SENT, NULL, s->plan->rule, r->reply);
		break;
	case CLIENT_RCPT_REPLY:
		classify_reply(s, r, out);
		break;
	case CLIENT_RCPT_LOCAL:
		outcome_set(out, OUT_BOUNCED, r->local_dsn,
		    local_rule(r->local_dsn), "%s", r->local_text);
		break;
	case CLIENT_RCPT_UNCERTAIN:
		outcome_set(out, OUT_DEFERRED, "4.4.2", "QUE-09",
		    "the message was sent and the answer was lost: %s",
		    why_lost(s));
		out->uncertain = true;
		break;
	case CLIENT_RCPT_NONE:
		if (s->failure == CLIENT_FAIL_PROTOCOL)
			outcome_set(out, OUT_DEFERRED, "4.5.0", "SMTP-08",
			    "the host does not speak SMTP as it should");
		else
			(void)lost(s, out);
		break;
	}
}
