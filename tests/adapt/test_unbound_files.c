/* The folder of the resolver child: what is written, kept, replaced. */
#include "config.h"

#include "tests/unit/t.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/dns/unbound_conf.h"
#include "relay/dns/unbound_files.h"

struct world {
	char dir[64]; /* of the child */
	char outside[32]; /* files of the administrator */
	struct opt_resolver resolver;
	struct unbound_files_opts o;
	char text[256];
};

static void
path_of(const char *dir, const char *name, char out[192])
{
	(void)snprintf(out, 192, "%s/%s", dir, name);
}

static void
put(const char *dir, const char *name, const char *content)
{
	char path[192];
	FILE *f;

	path_of(dir, name, path);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(content, f);
	fclose(f);
}

/* Compares the content of a file, "" when it is not there. */
static void
check(const char *what, const char *dir, const char *name, struct str want)
{
	char path[192], content[8192];
	size_t n = 0;
	FILE *f;

	path_of(dir, name, path);
	f = fopen(path, "r");
	if (f) {
		n = fread(content, 1, sizeof(content), f);
		fclose(f);
	}
	t_str(what, str_n(content, n), want);
}

static struct world *
world_new(void)
{
	struct world *w = test_calloc(1, sizeof(*w));

	(void)snprintf(w->outside, sizeof(w->outside), "/tmp/wax-test-XXXXXX");
	assert_non_null(mkdtemp(w->outside));
	(void)snprintf(w->dir, sizeof(w->dir), "%s/child", w->outside);
	w->o.resolver = &w->resolver;
	w->o.dir = w->dir;
	w->o.uid = w->o.gid = -1;
	w->o.port = 5354;
	w->o.shards = 1;
	return w;
}

static void
world_free(struct world *w)
{
	static const char *const names[] = {UNBOUND_CONF_NAME,
	    UNBOUND_CONF_ANCHOR, UNBOUND_CONF_HINTS, "root.seed"};
	static const char *const outside[] = {"anchor", "hints", "target"};
	char path[192];
	size_t i;

	for (i = 0; i < T_COUNT(names); i++) {
		path_of(w->dir, names[i], path);
		(void)unlink(path);
	}
	t_int("nothing else in the folder", rmdir(w->dir), 0);
	for (i = 0; i < T_COUNT(outside); i++) {
		path_of(w->outside, outside[i], path);
		(void)unlink(path);
	}
	t_int("nothing else", rmdir(w->outside), 0);
	test_free(w);
}

static int
write_files(struct world *w)
{
	int fd = -1, err;

	w->text[0] = '\0';
	err = unbound_files_write(&w->o, &fd, w->text);
	t_bool("descriptor on success", fd >= 0, err == 0);
	if (fd >= 0)
		close(fd);
	return err;
}

static void
test_first(void **state)
{
	struct world *w = world_new();
	char path[192], content[8192];
	struct stat st;
	struct buf want;
	size_t n;
	FILE *f;

	(void)state;
	t_err("write", write_files(w), 0);
	t_cstr("text", w->text, "");
	buf_init(&want, UNBOUND_CONF_MAX);
	t_err("conf", unbound_conf_write(&want, &w->resolver, 5354, 1, content),
	    0);
	check("conf", w->dir, UNBOUND_CONF_NAME, buf_str(&want));
	buf_clear(&want);
	path_of(w->dir, UNBOUND_CONF_ANCHOR, path);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(content, 1, sizeof(content), f);
	fclose(f);
	t_bool("the public root", unbound_conf_anchor_covers(str_n(content, n)),
	    true);
	check("seed", w->dir, "root.seed", str_n(content, n));
	t_int("stat", stat(w->dir, &st), 0);
	t_int("mode", st.st_mode & 07777, 0750);
	world_free(w);
}

/* RFC 5011 state is unbound's, until the administrator says otherwise. */
static void
test_anchor(void **state)
{
	struct world *w = world_new();
	char given[192];

	(void)state;
	t_err("first", write_files(w), 0);
	put(w->dir, UNBOUND_CONF_ANCHOR, "state of RFC 5011\n");
	t_err("again", write_files(w), 0);
	check("kept", w->dir, UNBOUND_CONF_ANCHOR, STR("state of RFC 5011\n"));

	put(w->outside, "anchor", "key 1\n");
	path_of(w->outside, "anchor", given);
	w->resolver.trust_anchor = given;
	t_err("given", write_files(w), 0);
	check("replaced", w->dir, UNBOUND_CONF_ANCHOR, STR("key 1\n"));
	put(w->dir, UNBOUND_CONF_ANCHOR, "state of RFC 5011\n");
	t_err("the same", write_files(w), 0);
	check("kept", w->dir, UNBOUND_CONF_ANCHOR, STR("state of RFC 5011\n"));
	put(w->outside, "anchor", "key 2\n");
	t_err("another", write_files(w), 0);
	check("replaced", w->dir, UNBOUND_CONF_ANCHOR, STR("key 2\n"));
	check("seed", w->dir, "root.seed", STR("key 2\n"));

	/* A seed that lacks a key of the public root is not its seed. */
	w->resolver.trust_anchor = NULL;
	t_err("back", write_files(w), 0);
	put(w->dir, "root.seed", ". IN DNSKEY 257 3 8 old\n");
	put(w->dir, UNBOUND_CONF_ANCHOR, "state of RFC 5011\n");
	t_err("a release with a new key", write_files(w), 0);
	put(w->dir, "root.hints", "left over\n");
	t_err("again", write_files(w), 0);

	/* Cut short by a crash. */
	w->resolver.trust_anchor = given;
	t_err("given", write_files(w), 0);
	put(w->dir, UNBOUND_CONF_ANCHOR, "");
	t_err("empty", write_files(w), 0);
	check("seeded", w->dir, UNBOUND_CONF_ANCHOR, STR("key 2\n"));
	world_free(w);
}

static void
test_hints(void **state)
{
	struct world *w = world_new();
	char given[192];

	(void)state;
	path_of(w->outside, "hints", given);
	put(w->outside, "hints", ". 3600 IN NS a.lab.\n");
	w->resolver.root_hints = given;
	t_err("write", write_files(w), 0);
	check(
	    "copied", w->dir, UNBOUND_CONF_HINTS, STR(". 3600 IN NS a.lab.\n"));
	world_free(w);
}

/* The folder is the child's: a link in it leads nowhere. */
static void
test_links(void **state)
{
	static const char *const names[] = {UNBOUND_CONF_NAME,
	    UNBOUND_CONF_ANCHOR, "root.seed", "unbound.conf.new",
	    "root.key.new"};
	struct world *w = world_new();
	char target[192], path[192];
	struct stat st;
	size_t i;

	(void)state;
	put(w->outside, "target", "precious\n");
	path_of(w->outside, "target", target);
	t_int("mkdir", mkdir(w->dir, 0700), 0);
	for (i = 0; i < T_COUNT(names); i++) {
		path_of(w->dir, names[i], path);
		t_int(names[i], symlink(target, path), 0);
	}
	t_err("write", write_files(w), 0);
	check("untouched", w->outside, "target", STR("precious\n"));
	for (i = 0; i < 3; i++) {
		path_of(w->dir, names[i], path);
		t_int(names[i], lstat(path, &st), 0);
		t_bool(names[i], S_ISREG(st.st_mode), true);
	}
	world_free(w);
}

static void
test_bad(void **state)
{
	struct world *w = world_new();
	char given[192], want[256];

	(void)state;
	path_of(w->outside, "anchor", given);
	w->resolver.trust_anchor = given;
	t_err("no anchor", write_files(w), ERR_IO);
	(void)snprintf(want, sizeof(want),
	    "trust_anchor %.150s: No such file or directory", given);
	t_cstr("no anchor", w->text, want);
	put(w->outside, "anchor", "");
	t_err("empty anchor", write_files(w), ERR_CONFIG);
	(void)snprintf(want, sizeof(want), "trust_anchor %.150s: empty", given);
	t_cstr("empty anchor", w->text, want);
	w->resolver.trust_anchor = NULL;
	path_of(w->outside, "hints", given);
	w->resolver.root_hints = given;
	t_err("no hints", write_files(w), ERR_IO);
	w->resolver.root_hints = NULL;
	t_err("good again", write_files(w), 0);
	world_free(w);
}

/* As root everything is the child's. */
static void
test_owner(void **state)
{
	static const char *const names[] = {
	    ".", UNBOUND_CONF_NAME, UNBOUND_CONF_ANCHOR};
	struct world *w;
	struct stat st;
	size_t i;

	(void)state;
	if (geteuid() != 0)
		skip();
	w = world_new();
	t_err("as ourselves", write_files(w), 0);
	w->o.uid = w->o.gid = 65534;
	t_err("for the child", write_files(w), 0);
	for (i = 0; i < T_COUNT(names); i++) {
		char path[192];

		path_of(w->dir, names[i], path);
		t_int(names[i], stat(path, &st), 0);
		t_int(names[i], st.st_uid, 65534);
		t_int(names[i], st.st_gid, 65534);
	}
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_first),
	    cmocka_unit_test(test_anchor),
	    cmocka_unit_test(test_hints),
	    cmocka_unit_test(test_links),
	    cmocka_unit_test(test_bad),
	    cmocka_unit_test(test_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
