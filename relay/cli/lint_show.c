/*
 * The answers of waxseal lint. Nothing of what was judged is shown but names,
 * ids and URIs that the parsers have passed, which are printable ASCII.
 */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "relay/cli/lint.h"
#include "relay/ctl/ctl_text.h"

#define WIDTH 79 /* characters of a line */

static const char *
result_str(enum lint_result r)
{
	static const char *const names[] = {
#define LINT_TEXT_(id, text) text,
	    LINT_RESULT_LIST(LINT_TEXT_)
#undef LINT_TEXT_
	};

	return names[r];
}

static const char *
dane_str(enum lint_dane r)
{
	static const char *const names[] = {
#define LINT_TEXT_(id, text) text,
	    LINT_DANE_LIST(LINT_TEXT_)
#undef LINT_TEXT_
	};

	return names[r];
}

/* Prints and frees root. */
static void
print_json(json_t *root)
{
	if (!root || json_dumpf(root, stdout, JSON_COMPACT))
		BUG("the answer can't be shown as JSON");
	cli_print(STR("\n"));
	json_decref(root);
}

static json_t *
diags_json(const struct diags *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n; i++)
		json_array_append_new(list,
		    json_pack("{s:I,s:I,s:s,s:s}", "line",
			(json_int_t)d->v[i].line, "column",
			(json_int_t)d->v[i].column, "rule", d->v[i].rule,
			"text", d->v[i].text));
	return list;
}

/* One entry a line, or two when it gets long. */
static void
print_diags(const struct diags *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct diag *g = &d->v[i];
		int n = printf(
		    "  line %zu, column %zu: %s:", g->line, g->column, g->rule);
		bool fits = n + 1 + (int)strlen(g->text) <= WIDTH;

		printf("%s%s\n", fits ? " " : "\n    ", g->text);
	}
	if (d->more)
		cli_print(STR("  and more\n"));
}

void
lint_show_sts_record(const struct cli *c, enum lint_result result,
    const char *id, const struct diags *faults)
{
	if (c->json) {
		print_json(
		    json_pack("{s:s,s:s?,s:o}", "result", result_str(result),
			"id", id[0] ? id : NULL, "errors", diags_json(faults)));
		return;
	}
	if (result == LINT_VALID)
		printf("A valid MTA-STS record, with the id %s.\n", id);
	else if (result == LINT_NONE)
		cli_print(STR("No MTA-STS record.\n"));
	else
		cli_print(STR("Not a valid MTA-STS record: senders act as if "
			      "there were none.\n"));
	print_diags(faults);
}

static const char *
mode_text(enum sts_mode mode)
{
	switch (mode) {
	case STS_MODE_ENFORCE:
		return "enforce: mail goes to these hosts only, by verified TLS";
	case STS_MODE_TESTING:
		return "testing: failures are reported, mail goes all the same";
	case STS_MODE_NONE:
		return "none: as if there were no policy";
	}
	return "";
}

static void
print_policy(const struct sts_policy *p)
{
	char age[CTL_TEXT_MAX];

	ctl_text_duration(p->max_age, age);
	printf("A valid MTA-STS policy.\n"
	       "  mode     %s\n"
	       "  max_age  %lld seconds (%s)\n",
	    mode_text(p->mode), (long long)p->max_age, age);
	for (size_t i = 0; i < p->n_mx; i++)
		printf("  %-8s %s\n", i == 0 ? "mx" : "", p->mx[i]);
}

static json_t *
policy_json(const struct sts_policy *p, const struct diags *faults)
{
	json_t *mx = json_array();

	for (size_t i = 0; p && i < p->n_mx; i++)
		json_array_append_new(mx, json_string(p->mx[i]));
	return json_pack("{s:s,s:s?,s:o,s:o,s:o}", "result",
	    result_str(p ? LINT_VALID : LINT_INVALID), "mode",
	    p ? sts_mode_str(p->mode) : NULL, "max_age",
	    p ? json_integer((json_int_t)p->max_age) : json_null(), "mx", mx,
	    "errors", diags_json(faults));
}

void
lint_show_sts_policy(
    const struct cli *c, const struct sts_policy *p, const struct diags *faults)
{
	if (c->json) {
		print_json(policy_json(p, faults));
		return;
	}
	if (p) {
		print_policy(p);
		return;
	}
	cli_print(STR("Not a valid MTA-STS policy: senders act as if it could "
		      "not be fetched.\n"));
	print_diags(faults);
}

void
lint_show_match(const struct cli *c, bool match, const char *error)
{
	if (c->json) {
		print_json(json_pack(
		    "{s:b,s:s?}", "match", (int)match, "error", error));
		return;
	}
	if (match)
		cli_print(STR("Yes, the pattern matches the host (STS-34).\n"));
	else if (error)
		printf("No, nothing can match: %s (STS-15).\n", error);
	else
		cli_print(
		    STR("No, the pattern does not match the host (STS-34).\n"
			"  \"*.\" stands for exactly one label in front.\n"));
}

static json_t *
tlsrpt_json(enum lint_result result, const struct rpt_record *r,
    const struct diags *faults, const struct diags *ignored)
{
	json_t *rua = json_array();

	for (size_t i = 0; r && i < r->n; i++)
		json_array_append_new(
		    rua, json_stringn(r->rua[i].text.p, r->rua[i].text.n));
	return json_pack("{s:s,s:o,s:o,s:o}", "result", result_str(result),
	    "rua", rua, "ignored", diags_json(ignored), "errors",
	    diags_json(faults));
}

void
lint_show_tlsrpt(const struct cli *c, enum lint_result result,
    const struct rpt_record *r, const struct diags *faults,
    const struct diags *ignored)
{
	if (c->json) {
		print_json(tlsrpt_json(result, r, faults, ignored));
		return;
	}
	if (result == LINT_VALID)
		cli_print(STR("A valid TLSRPT record. Reports go to:\n"));
	else if (result == LINT_NONE)
		cli_print(STR("No TLSRPT record.\n"));
	else
		cli_print(STR("Not a valid TLSRPT record: no reports will "
			      "come.\n"));
	for (size_t i = 0; r && i < r->n; i++)
		printf("  %.*s\n", STR_FMT(r->rua[i].text));
	print_diags(faults);
	if (ignored->n > 0)
		cli_print(STR("Passed over in rua:\n"));
	print_diags(ignored);
}

static void
print_dane(const struct lint_chain *chain)
{
	if (chain->result == LINT_UNUSABLE)
		cli_print(STR(
		    "No record can be used (DANE-12): the relay demands TLS "
		    "and authenticates\nnobody by it.\n"));
	else if (chain->result == LINT_FAIL)
		printf("Not authenticated (DANE-11): the relay sends nothing "
		       "to this host.\n  %s\n",
		    chain->error);
	else if (chain->proof == TLS_PROOF_DANE_EE)
		cli_print(STR("Authenticated (DANE-11): a DANE-EE record "
			      "matches the server's certificate.\n"));
	else if (chain->depth == 0)
		cli_print(STR("Authenticated (DANE-11): a DANE-TA record has "
			      "the key that signed the server's\ncertificate, "
			      "and a name fits.\n"));
	else
		printf("Authenticated (DANE-11): a DANE-TA record matches at "
		       "depth %d of the chain,\nand a name fits.\n",
		    chain->depth);
	if (chain->usable < chain->given)
		printf("Records that count: %zu of %zu. Others can't be used, "
		       "or a stronger digest\ncounts (DANE-38, 39, 47).\n",
		    chain->usable, chain->given);
}

void
lint_show_dane(const struct cli *c, const struct lint_chain *chain)
{
	if (!c->json) {
		print_dane(chain);
		return;
	}
	print_json(json_pack("{s:s,s:s?,s:i,s:s,s:I}", "result",
	    dane_str(chain->result), "error", chain->error, "depth",
	    chain->depth, "proof", tls_proof_str(chain->proof), "usable",
	    (json_int_t)chain->usable));
}
