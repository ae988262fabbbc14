/*
 * libconfuse, and what else the machine has to say about a configuration: its
 * name, its cores, its files. libconfuse does the grammar and "${VAR}"; all
 * options are texts to it, and callbacks put them with their lines into a
 * conf_tree, from which pure code makes the options.
 *
 * libconfuse hands its callbacks no context, and no global may hold one, so
 * each section has two options that nobody can set by accident: CONTEXT
 * carries the pointer, and the default value of BEGIN, which is parsed when a
 * section begins, tells that it does and in which line.
 */
#include "config.h"

#include "relay/config/conf.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/config/conf_options.h"
#include "relay/config/conf_tree.h"

#define BEGIN " begin"
#define BEGINS "a section begins"
#define CONTEXT " context"
#define UNBOUND "/usr/sbin/unbound"
#define CORES_MAX 8192 /* bits of the mask that the kernel fills */

#define KEYS_MAX 24 /* of one section, with BEGIN, CONTEXT and the end */
#define SEE "; see waxseal.conf(5)"

/* A key that begins with "*" is a list. */
static const char *const top_keys[] = {
    "hostname", "state_dir", "user", "workers", NULL};
static const char *const listen_keys[] = {
    "role", "*networks", "handoff", "mode", "*peers", NULL};
static const char *const resolver_keys[] = {"mode", "*address", "trust",
    "trust_anchor", "root_hints", "*forward", "query_localhost", "unbound",
    "user", NULL};
static const char *const zone_keys[] = {"*forward", "insecure", NULL};
static const char *const dane_keys[] = {"mode", "insecure_mx", NULL};
static const char *const sts_keys[] = {
    "mode", "ca_file", "allow_private", NULL};
static const char *const tls_keys[] = {
    "min", "opportunistic_min", "ca_file", NULL};
static const char *const deliver_keys[] = {"port", "allow_private",
    "max_connections", "max_per_destination", "max_recipients", NULL};
static const char *const timeouts_keys[] = {"connect", "greeting", "ehlo",
    "starttls", "mail", "rcpt", "data", "block", "final", "quit", "session",
    NULL};
static const char *const queue_keys[] = {"lifetime", "*retry", "commit_delay",
    "max_message_size", "memory", "max_in_memory", "min_free", "receipts",
    NULL};
static const char *const limits_keys[] = {
    "max_sessions", "max_recipients", "max_errors", "max_hops", NULL};
static const char *const site_keys[] = {
    "require", "continuity", "nexthop", "reason", "author", "expires", NULL};
static const char *const control_keys[] = {"socket", NULL};
static const char *const log_keys[] = {"format", "level", NULL};

static const struct schema {
	const char *name, *path; /* path: with the section around it */
	const char *const *keys;
	bool title;
} schemas[] = {
    {"listen", "listen", listen_keys, true},
    {"resolver", "resolver", resolver_keys, false},
    {"dane", "dane", dane_keys, false},
    {"sts", "sts", sts_keys, false},
    {"tls", "tls", tls_keys, false},
    {"deliver", "deliver", deliver_keys, false},
    {"timeouts", "timeouts", timeouts_keys, false},
    {"queue", "queue", queue_keys, false},
    {"limits", "limits", limits_keys, false},
    {"site", "site", site_keys, true},
    {"control", "control", control_keys, false},
    {"log", "log", log_keys, false},
};
#define SCHEMAS (sizeof(schemas) / sizeof(schemas[0]))

static const struct schema zone_schema = {
    "zone", "resolver.zone", zone_keys, true};

struct context {
	void *self; /* CONTEXT's value is the address of this */
	char begin[24]; /* BEGIN's default; libconfuse only reads it */
	struct conf_tree *tree;
	/* Section i of the tree, NULL when libconfuse has dropped it. */
	cfg_t **secs;
	size_t n_secs;
	const struct conf_open *open;
};

/* ---- callbacks of libconfuse ---- */

static struct context *
context_of(cfg_t *cfg)
{
	cfg_opt_t *opt = cfg_getopt(cfg, CONTEXT);

	return *opt->simple_value.ptr;
}

static const char *
path_of(const cfg_t *cfg)
{
	if (strcmp(cfg->name, "root") == 0)
		return "";
	if (strcmp(cfg->name, zone_schema.name) == 0)
		return zone_schema.path;
	return cfg->name;
}

/* The section's index in the tree. An address may be used again after a
 * section was dropped: the last one counts. */
static size_t
index_of(const struct context *c, const cfg_t *cfg)
{
	for (size_t i = c->n_secs; i > 0; i--) {
		if (c->secs[i - 1] == cfg)
			return i - 1;
	}
	BUG("unknown section %s", cfg->name);
}

/* The default value of BEGIN is parsed: cfg begins. */
static int
on_begin(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct context *c = context_of(cfg);
	struct conf_tree *t = c->tree;
	bool top = strcmp(cfg->name, "root") == 0;

	(void)opt;
	/* Not the default: the file has a key of that odd name. */
	if (strcmp(value, BEGINS) != 0)
		return -1;
	/* The address of a section that was dropped is used again. */
	for (size_t i = 0; i < c->n_secs; i++) {
		if (c->secs[i] == cfg)
			c->secs[i] = NULL;
	}
	/* A second section of one title takes the place of the first. */
	for (size_t i = 0; i < c->n_secs; i++) {
		if (cfg->title && t->secs[i].title &&
		    strcmp(t->secs[i].path, path_of(cfg)) == 0 &&
		    strcmp(t->secs[i].title, cfg->title) == 0)
			c->secs[i] = NULL;
	}
	if (!top)
		(void)conf_tree_add_section(
		    t, path_of(cfg), cfg->title, cfg->line);
	c->secs = xrealloc(c->secs, (c->n_secs + 1) * sizeof(cfg_t *));
	c->secs[c->n_secs++] = cfg;
	*(const char **)result = value;
	return 0;
}

static int
on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct context *c = context_of(cfg);
	/* The value itself is counted already. */
	bool more = (opt->flags & CFGF_LIST) && opt->nvalues > 1;

	conf_tree_add_value(
	    c->tree, index_of(c, cfg), opt->name, value, cfg->line, more);
	*(const char **)result = value;
	return 0;
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	struct context *c = context_of(cfg);
	const struct conf_sec *sec = &c->tree->secs[index_of(c, cfg)];
	char text[256];

	if (strncmp(fmt, "no such option", 14) == 0) {
		conf_problem(sec, va_arg(ap, const char *), cfg->line,
		    "unknown key" SEE);
		return;
	}
	/* Where it began says more. */
	if (strncmp(fmt, "premature end", 13) == 0 && c->open->what)
		return;
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	conf_problem(&c->tree->secs[0], "syntax", cfg->line, "%s" SEE, text);
}

/* ---- the options that libconfuse wants to see ---- */

/* Fills opts (KEYS_MAX, zeroed) and returns how many were used. */
static size_t
make_opts(struct context *c, const char *const *keys, cfg_opt_t *opts)
{
	static const cfg_opt_t begin = CFG_STR_LIST_CB(
	    BEGIN, 0, CFGF_NONE, on_begin);
	static const cfg_opt_t one = CFG_STR_CB(
	    NULL, NULL, CFGF_NODEFAULT, on_value);
	size_t n = 0;

	/* CONTEXT first: BEGIN's callback looks for it. */
	opts[n].name = CONTEXT;
	opts[n].type = CFGT_PTR;
	opts[n].simple_value.ptr = &c->self;
	n++;
	opts[n] = begin;
	opts[n].def.parsed = c->begin;
	n++;
	for (; *keys; keys++) {
		bool list = **keys == '*';

		if (n >= KEYS_MAX - 2)
			BUG("more than %d keys", KEYS_MAX);
		opts[n] = one;
		opts[n].name = *keys + list;
		if (list)
			opts[n].flags |= CFGF_LIST;
		n++;
	}
	return n;
}

static cfg_opt_t
section_opt(const struct schema *s, cfg_opt_t *subopts)
{
	/* MULTI: none is made unless the file has it. */
	cfg_opt_t opt = CFG_SEC(NULL, subopts, CFGF_MULTI);

	opt.name = s->name;
	if (s->title)
		opt.flags |= CFGF_TITLE;
	return opt;
}

static cfg_t *
make_cfg(struct context *c)
{
	cfg_opt_t subs[SCHEMAS][KEYS_MAX], zone[KEYS_MAX];
	cfg_opt_t top[KEYS_MAX];
	cfg_t *cfg;
	size_t n, k;

	memset(subs, 0, sizeof(subs));
	memset(zone, 0, sizeof(zone));
	memset(top, 0, sizeof(top));
	(void)make_opts(c, zone_schema.keys, zone);
	n = make_opts(c, top_keys, top);
	if (n + SCHEMAS >= KEYS_MAX)
		BUG("more than %d sections", KEYS_MAX);
	for (size_t i = 0; i < SCHEMAS; i++) {
		k = make_opts(c, schemas[i].keys, subs[i]);
		if (schemas[i].keys == resolver_keys)
			subs[i][k] = section_opt(&zone_schema, zone);
		top[n++] = section_opt(&schemas[i], subs[i]);
	}
	cfg = cfg_init(top, CFGF_NONE);
	if (!cfg)
		BUG("out of memory");
	(void)cfg_set_error_function(cfg, on_error);
	return cfg;
}

/* "key = {}" calls no callback; taken for a default it would be wrong. */
static void
find_empty_lists(const struct context *c)
{
	for (size_t i = 0; i < c->n_secs; i++) {
		cfg_opt_t *opt = c->secs[i] ? c->secs[i]->opts : NULL;

		for (; opt && opt->name; opt++) {
			const struct conf_sec *sec = &c->tree->secs[i];

			if ((opt->flags & CFGF_LIST) &&
			    (opt->flags & CFGF_MODIFIED) &&
			    !conf_val_next(sec, opt->name, NULL) &&
			    strcmp(opt->name, BEGIN) != 0)
				conf_problem(sec, opt->name, 0,
				    "is an empty list; give it a value or "
				    "remove it");
		}
	}
}

/*
 * Text to tree; false when it could not be read to its end. Stops at the
 * first error of grammar; all others are told.
 */
static bool
read_tree(const char *text, struct conf_tree *tree)
{
	struct context c = {.begin = "{\"" BEGINS "\"}", .tree = tree};
	struct conf_open open;
	char *plain = conf_tree_blank_comments(text, &open);
	cfg_t *cfg;
	int rc;

	c.self = &c;
	cfg = make_cfg(&c);
	c.open = &open;
	rc = cfg_parse_buf(cfg, plain);
	if (tree->n_errors == 0 && open.what) {
		conf_problem(&tree->secs[0], "syntax", open.line,
		    "the %s in this line is never closed" SEE, open.what);
		rc = CFG_PARSE_ERROR;
	}
	if (rc != CFG_SUCCESS && tree->n_errors == 0)
		conf_problem(
		    &tree->secs[0], "syntax", cfg->line, "not understood" SEE);
	if (rc == CFG_SUCCESS)
		find_empty_lists(&c);
	cfg_free(cfg);
	free(c.secs);
	free(plain);
	return rc == CFG_SUCCESS;
}

/* ---- what the machine says ---- */

static unsigned
count_cores(void)
{
	cpu_set_t *set = CPU_ALLOC(CORES_MAX);
	size_t size = CPU_ALLOC_SIZE(CORES_MAX);
	int n = 0;

	if (!set)
		BUG("out of memory");
	if (sched_getaffinity(0, size, set) == 0)
		n = CPU_COUNT_S(size, set);
	CPU_FREE(set);
	return n > 0 ? (unsigned)n : 1;
}

static const char *
unbound_program(void)
{
	const char *text = getenv("WAXSEAL_UNBOUND");

	return text && *text ? text : UNBOUND;
}

/* Can path be read (or executed)? Notes a problem. */
static void
check_file(
    const struct conf_sec *sec, const char *key, const char *path, bool program)
{
	const char *why = NULL;
	struct stat st;
	/* Not to block on a FIFO. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int err = errno;

	if (program) {
		err = access(path, X_OK) ? errno : 0;
		if (err)
			why = strerror(err);
	} else if (fd < 0) {
		why = strerror(err);
	}
	if (!why && (stat(path, &st) || !S_ISREG(st.st_mode)))
		why = "not a file";
	if (why && program)
		conf_problem(sec, key, 0,
		    "can't run %.150s: %s; install unbound or name its "
		    "program here or in $WAXSEAL_UNBOUND",
		    path, why);
	else if (why)
		conf_problem(sec, key, 0,
		    "can't read %.150s: %s; correct the path or its "
		    "permissions",
		    path, why);
	if (fd >= 0)
		close(fd);
}

/* relay: only what the relay process itself reads. */
static void
check_files(const struct conf_tree *t, const struct options *o, bool relay)
{
	const struct {
		const char *path, *key, *file;
		bool program;
	} all[] = {
	    {"sts", "ca_file", o->sts.ca_file, false},
	    {"tls", "ca_file", o->tls.ca_file, false},
	    {"resolver", "trust_anchor", o->resolver.trust_anchor, false},
	    {"resolver", "root_hints", o->resolver.root_hints, false},
	    {"resolver", "unbound",
		o->resolver.managed ? o->resolver.unbound : NULL, true},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct conf_sec *sec = conf_tree_next(
		    t, all[i].path, NULL);

		if (!all[i].file ||
		    (relay && strcmp(all[i].path, "resolver") == 0))
			continue;
		check_file(sec ? sec : conf_tree_next(t, "", NULL),
		    sec ? all[i].key : "resolver.unbound", all[i].file,
		    all[i].program);
	}
}

/* ---- the contract ---- */

const char *
conf_defaults(void)
{
	return "state_dir = \"./var\"\n"
	       "user = \"65533\"\n"
	       "listen \"127.0.0.1:2525\" {\n"
	       "\trole = smarthost\n"
	       "\tnetworks = {\"127.0.0.0/8\", \"::1\"}\n"
	       "}\n"
	       "resolver {\n"
	       "\tmode = managed\n"
	       "\tuser = \"65532\"\n"
	       "}\n";
}

/* Options of the tree, whose problems are in it. */
static struct options *
tree_options(const struct conf_tree *t, bool any_name)
{
	char name[256] = "";
	struct conf_machine m = {
	    .hostname = name,
	    .cores = count_cores(),
	    .unbound = unbound_program(),
	    .any_name = any_name,
	};

	if (gethostname(name, sizeof(name) - 1))
		name[0] = '\0';
	return conf_options_make(t, &m);
}

static NODISCARD int
parse(const char *name, const char *text, bool relay, struct options **out,
    struct buf *errors)
{
	struct options *o = NULL;
	struct conf_tree t;
	int err = ERR_CONFIG;

	conf_tree_init(&t, name, errors);
	if (!read_tree(text, &t))
		goto out;
	o = tree_options(&t, strcmp(text, conf_defaults()) == 0);
	check_files(&t, o, relay);
	if (t.n_errors > 0)
		goto out;
	*out = o;
	o = NULL;
	err = 0;
out:
	conf_options_free(o);
	conf_tree_clear(&t);
	return err;
}

int
conf_parse(const char *name, const char *text, struct options **out,
    struct buf *errors)
{
	return parse(name, text, false, out, errors);
}

int
conf_parse_relay(const char *name, const char *text, struct options **out,
    struct buf *errors)
{
	return parse(name, text, true, out, errors);
}

void
conf_free(struct options *o)
{
	conf_options_free(o);
}

int
conf_control_socket(
    const char *name, const char *text, char **out, struct buf *errors)
{
	struct options *o = NULL;
	struct conf_tree t;
	struct buf path;
	int err = ERR_CONFIG;

	conf_tree_init(&t, name, errors);
	if (!read_tree(text, &t))
		goto out;
	o = tree_options(&t, true);
	if (t.n_errors > 0)
		goto out;
	buf_init(&path, 8192);
	if (o->control_socket)
		buf_add_cstr(&path, o->control_socket);
	else
		buf_addf(&path, "%s/control.sock", o->state_dir);
	*out = buf_take(&path);
	err = 0;
out:
	conf_options_free(o);
	conf_tree_clear(&t);
	return err;
}
