/*
 * jansson without the cases that can't happen: running out of memory, and
 * text that it refuses. Remote text is made UTF-8 here, at the sink.
 */
#include "config.h"

#include "relay/ctl/ctl_json.h"

#include <jansson.h>
#include <string.h>

#include "relay/base/date.h"
#include "relay/base/err.h"
#include "relay/ctl/ctl_text.h"

json_t *
ctl_json_need(json_t *v)
{
	if (!v)
		BUG("out of memory");
	return v;
}

struct json_t *
ctl_json_object(void)
{
	return ctl_json_need(json_object());
}

struct json_t *
ctl_json_answer(bool ok)
{
	json_t *root = ctl_json_object();

	ctl_json_bool(root, "ok", ok);
	return root;
}

struct json_t *
ctl_json_array(void)
{
	return ctl_json_need(json_array());
}

void
ctl_json_set(struct json_t *o, const char *key, struct json_t *take_v)
{
	if (json_object_set_new(o, key, ctl_json_need(take_v)))
		BUG("out of memory");
}

void
ctl_json_null(struct json_t *o, const char *key)
{
	ctl_json_set(o, key, json_null());
}

void
ctl_json_bool(struct json_t *o, const char *key, bool v)
{
	ctl_json_set(o, key, json_boolean(v));
}

void
ctl_json_number(struct json_t *o, const char *key, int64_t n)
{
	ctl_json_set(o, key, json_integer(n));
}

void
ctl_json_count(struct json_t *o, const char *key, uint64_t n)
{
	ctl_json_number(o, key, (int64_t)n);
}

/* Four bytes of one at most. */
static json_t *
text_value(struct str s)
{
	struct buf b;
	json_t *v;

	buf_init(&b, 4 * s.n + 1);
	ctl_text_utf8(&b, s);
	v = ctl_json_need(json_stringn(b.p ? b.p : "", b.n));
	buf_clear(&b);
	return v;
}

void
ctl_json_text(struct json_t *o, const char *key, const char *text)
{
	ctl_json_str(o, key, str_of(text));
}

void
ctl_json_str(struct json_t *o, const char *key, struct str s)
{
	ctl_json_set(o, key, text_value(s));
}

void
ctl_json_time(struct json_t *o, const char *key, int64_t s)
{
	char text[DATE_MAX];

	if (s == 0) {
		ctl_json_null(o, key);
		return;
	}
	date_rfc3339(s, text);
	ctl_json_text(o, key, text);
}

void
ctl_json_append(struct json_t *array, struct json_t *take_v)
{
	if (json_array_append_new(array, ctl_json_need(take_v)))
		BUG("out of memory");
}

void
ctl_json_append_text(struct json_t *array, const char *text)
{
	ctl_json_append(array, text_value(str_of(text)));
}

static int
add_bytes(const char *p, size_t n, void *arg)
{
	buf_add(arg, p, n);
	return 0;
}

void
ctl_json_write(struct json_t *take_root, struct buf *out)
{
	if (json_dump_callback(take_root, add_bytes, out, JSON_COMPACT))
		BUG("JSON of our own can't be written");
	buf_add_char(out, '\n');
	json_decref(take_root);
}
