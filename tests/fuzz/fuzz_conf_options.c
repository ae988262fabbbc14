/*
 * A tree of sections, keys and texts, to options. The input is lines: "[path
 * title" begins a section, "key=text" is a value and "+text" its next item.
 * Each problem is one printable line that names its place, and without any
 * the options are within their limits.
 */
#include "config.h"

#include "relay/config/conf_options.h"

#include "relay/config/conf_check.h"
#include "tests/fuzz/fuzz.h"

#define ERRORS_MAX (1u << 20)
#define NOW 1780000000 /* seconds since 1970 */

struct reader {
	struct conf_tree tree;
	size_t sec;
	char key[64];
	int line;
};

/* Sections and keys are words: libconfuse knows them all. */
static bool
is_word(struct str s)
{
	return fuzz_is_printable(s, "");
}

static char *
text_of(struct str s)
{
	/* The file format has no NUL. */
	return xstrndup(s.p ? s.p : "", str_find(s, '\0'));
}

static void
take_line(struct reader *r, struct str s)
{
	size_t n;
	char *text;

	r->line++;
	if (s.n > 0 && s.p[0] == '[') {
		char *title = NULL;

		n = str_find(s, ' ');
		if (!is_word(str_n(s.p, n)))
			return;
		text = text_of(str_n(s.p + 1, n - 1));
		if (n < s.n)
			title = text_of(str_skip(s, n + 1));
		r->sec = conf_tree_add_section(&r->tree, text, title, r->line);
		r->key[0] = '\0';
		free(title);
		free(text);
		return;
	}
	n = s.n > 0 && s.p[0] == '+' ? 0 : str_find(s, '=');
	if (!is_word(str_n(s.p, n)))
		return;
	if (n > 0)
		fuzz_text(r->key, sizeof(r->key), str_n(s.p, n));
	text = text_of(str_skip(s, n + 1));
	conf_tree_add_value(&r->tree, r->sec, r->key, text, r->line,
	    n == 0 && r->key[0] != '\0');
	free(text);
}

static unsigned
check_lines(struct str s)
{
	struct str line;
	unsigned n = 0;

	while (str_cut(&s, '\n', &line)) {
		n++;
		FUZZ_CHECK(str_starts(line, STR("f:")));
		for (size_t i = 0; i < line.n; i++)
			FUZZ_CHECK((unsigned char)line.p[i] >= ' ' &&
			    line.p[i] != 0x7f);
	}
	return n;
}

static void
check_options(const struct options *o)
{
	FUZZ_CHECK(o->workers >= 1 && o->state_dir && o->user);
	FUZZ_CHECK(o->n_listens >= 1 && o->queue.n_retry >= 1);
	FUZZ_CHECK(o->queue.commit_delay <= 10 && o->queue.lifetime_s > 0);
	for (size_t i = 0; i < o->queue.n_retry; i++)
		FUZZ_CHECK(o->queue.retry_s[i] > 0);
	for (size_t i = 0; i < o->n_listens; i++) {
		const struct opt_listen *l = &o->listens[i];

		FUZZ_CHECK(l->unix_path || (l->port > 0 && l->host[0]));
		for (size_t k = 0; k < l->n_nets; k++)
			FUZZ_CHECK(l->nets[k].bits <= 128);
	}
	for (size_t i = 0; i < o->n_sites; i++) {
		const char *name = o->sites[i].domain;
		char again[DOMAIN_MAX];

		name += name[0] == '.';
		FUZZ_CHECK(domain_canon_host(str_of(name), again) == 0);
		FUZZ_CHECK(strcmp(name, again) == 0);
		FUZZ_CHECK(options_site_at(o, name, INT64_MIN) != NULL ||
		    o->sites[i].domain[0] == '.');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conf_machine machine = {
	    .hostname = "relay.example", .cores = 4, .unbound = "/bin/true"};
	struct str s = str_n((const char *)data, size), line;
	struct reader r = {.sec = 0};
	struct buf errors, more, warnings;
	struct options *o;
	unsigned n;

	buf_init(&errors, ERRORS_MAX);
	buf_init(&more, ERRORS_MAX);
	buf_init(&warnings, ERRORS_MAX);
	conf_tree_init(&r.tree, "f", &errors);
	while (str_cut(&s, '\n', &line))
		take_line(&r, line);
	o = conf_options_make(&r.tree, &machine);
	n = check_lines(buf_str(&errors));
	FUZZ_CHECK(errors.full || n == r.tree.n_errors);
	if (r.tree.n_errors == 0) {
		FUZZ_CHECK((conf_check(o, NOW, &more, &warnings) != 0) ==
		    (more.n > 0));
		(void)check_lines(buf_str(&more));
		check_options(o);
	}
	conf_options_free(o);
	conf_tree_clear(&r.tree);
	buf_clear(&errors);
	buf_clear(&more);
	buf_clear(&warnings);
	return 0;
}
