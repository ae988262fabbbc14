/* A tree of sections made by hand, for the tests of relay/config. */
#ifndef TESTS_UNIT_CONF_MAKE_H
#define TESTS_UNIT_CONF_MAKE_H

#include "relay/base/buf.h"
#include "relay/config/conf_tree.h"
#include "tests/unit/t.h"

#define MAKE_KEYS 8

/* A section in line 1 and its keys in the lines behind it; a key again is the
 * next item of its list. */
struct make {
	const char *path, *title;
	const char *keys[MAKE_KEYS][2]; /* key and text */
};

static inline void
make_add(struct conf_tree *t, const struct make *m)
{
	size_t sec = 0;
	int line = 1;

	if (m->path[0])
		sec = conf_tree_add_section(t, m->path, m->title, line);
	for (size_t i = 0; i < MAKE_KEYS && m->keys[i][0]; i++) {
		bool more = i > 0 &&
		    strcmp(m->keys[i][0], m->keys[i - 1][0]) == 0;

		conf_tree_add_value(
		    t, sec, m->keys[i][0], m->keys[i][1], ++line, more);
	}
}

/* Tree of one section. */
static inline void
make_tree(struct conf_tree *t, const struct make *m, struct buf *errors)
{
	buf_init(errors, 65536);
	conf_tree_init(t, "f", errors);
	make_add(t, m);
}

/* Checks the problems and frees. */
static inline void
make_end(
    const char *name, struct conf_tree *t, struct buf *errors, const char *want)
{
	t_is(name, buf_str(errors), want);
	conf_tree_clear(t);
	buf_clear(errors);
}

#endif
