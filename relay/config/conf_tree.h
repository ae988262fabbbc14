/*
 * A configuration file as sections, keys and texts with their lines, before
 * anybody knows what they mean; and the typed access to it, which says what
 * is wrong with a value. Pure.
 */
#ifndef RELAY_CONFIG_CONF_TREE_H
#define RELAY_CONFIG_CONF_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"

struct conf_tree;

struct conf_val {
	char *key, *text;
	int line;
};

struct conf_sec {
	struct conf_tree *tree;
	char *path; /* "" for the top, "resolver", "resolver.zone" */
	char *title; /* NULL when it has none */
	int line;
	struct conf_val *vals; /* each item of a list is one */
	size_t n;
};

struct conf_tree {
	char *name; /* of the file, in messages */
	struct buf *errors; /* borrowed; one line a problem */
	struct conf_sec *secs; /* the first is the top */
	size_t n;
	unsigned n_errors;
};

/* A tree with an empty top. errors must outlive it. */
void conf_tree_init(struct conf_tree *t, const char *name, struct buf *errors);
void conf_tree_clear(struct conf_tree *t);
/* Adds a section and returns its index; a second one of the same path and
 * title is a problem. Pointers to sections are stale afterwards. */
size_t conf_tree_add_section(
    struct conf_tree *t, const char *path, const char *title, int line);
/* Adds a value; more: the next item of a list whose key has begun. A key that
 * begins twice is a problem. */
void conf_tree_add_value(struct conf_tree *t, size_t sec, const char *key,
    const char *text, int line, bool more);
/* What a text begins and does not end. */
struct conf_open {
	const char *what; /* "{", "/ *" without the blank, a quote; or NULL */
	int line;
};
/*
 * Copy of text (free with free()) in which comments are blanks, lines staying
 * where they are: libconfuse knows no comments within a list and miscounts
 * lines behind some of them. It also takes the end of a text for
 * the end of whatever is open, and what is cut off may be what matters.
 */
char *conf_tree_blank_comments(const char *text, struct conf_open *open);

/* Next section of that path behind prev (NULL: the first); NULL at the end. */
const struct conf_sec *conf_tree_next(
    const struct conf_tree *t, const char *path, const struct conf_sec *prev);
/* Next item of a key behind prev, as above. sec may be NULL. */
const struct conf_val *conf_val_next(
    const struct conf_sec *sec, const char *key, const struct conf_val *prev);

/* Notes a problem: "FILE:LINE: PATH.KEY: text". line 0: that of the key, or of
 * the section when the key is not there. key NULL: the section itself. */
void conf_problem(const struct conf_sec *sec, const char *key, int line,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

/*
 * The getters below leave *out as it is, which is then the default, when the
 * key is not there (or sec is NULL), and note a problem when its text is none
 * of what is allowed.
 */
/* The text, NULL when the key is not there. Empty text is a problem. */
const char *conf_get_text(const struct conf_sec *sec, const char *key);
/* Replaces *out (freed) by a copy of the text. */
void conf_get_dup(const struct conf_sec *sec, const char *key, char **out);
/* A user to run as, name or number, but not root; *line is that of the key,
 * untouched when it is not there. */
void conf_get_user(
    const struct conf_sec *sec, const char *key, char **out, int *line);
void conf_get_bool(const struct conf_sec *sec, const char *key, bool *out);
void conf_get_number(const struct conf_sec *sec, const char *key, unsigned min,
    unsigned max, unsigned *out);
/* Milliseconds. */
void conf_get_duration(const struct conf_sec *sec, const char *key, int64_t min,
    int64_t max, int64_t *out);
/* The same for one text; false when it is a problem. */
bool conf_duration(const struct conf_sec *sec, const struct conf_val *v,
    int64_t min, int64_t max, int64_t *out);
/* Bytes. */
void conf_get_size(const struct conf_sec *sec, const char *key, uint64_t min,
    uint64_t max, uint64_t *out);
/* One of n words; *out is its index. */
void conf_get_word(const struct conf_sec *sec, const char *key,
    const char *const *words, size_t n, unsigned *out);

#endif
