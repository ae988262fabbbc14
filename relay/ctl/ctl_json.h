/*
 * Building one JSON line: every text goes in as UTF-8, whatever it was; out of
 * memory aborts. Pure. A struct json_t is jansson's.
 */
#ifndef RELAY_CTL_CTL_JSON_H
#define RELAY_CTL_CTL_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/str.h"

struct json_t;

/* v, which must be one. */
struct json_t *ctl_json_need(struct json_t *v);
struct json_t *ctl_json_object(void);
/* {"ok":...}: every answer begins so. */
struct json_t *ctl_json_answer(bool ok);
void ctl_json_set(
    struct json_t *object, const char *key, struct json_t *take_v);
void ctl_json_set_text(
    struct json_t *object, const char *key, const char *text);
void ctl_json_set_str(struct json_t *object, const char *key, struct str text);
void ctl_json_set_int(struct json_t *object, const char *key, int64_t n);
void ctl_json_set_bool(struct json_t *object, const char *key, bool v);
/* Seconds since 1970 as RFC 3339 text. */
void ctl_json_set_time(struct json_t *object, const char *key, int64_t s);
/* Appends the value and an end of line. */
void ctl_json_finish(struct json_t *take_root, struct buf *out);

#endif
