/*
 * One event = one line: event=NAME key=value ... Remote text is escaped here
 * and nowhere before. Libraries and pure code do not log; actors do.
 */
#ifndef RELAY_BASE_LOG_H
#define RELAY_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

#define LOG_LINE_MAX 4096 /* bytes; longer lines are cut and marked cut=1 */
#define LOG_VALUE_MAX 1024 /* bytes of one value before escaping */

/*
 * Where lines go. write_fn gets one whole line without its end; it is called
 * on the caller's thread and must be safe to call from several.
 */
struct log {
	enum log_level level; /* lower ones are dropped */
	enum log_format format;
	void (*write_fn)(void *arg, enum log_level level, struct str line);
	void *arg;
};

/* Writes to standard error, one write(2) a line. */
void log_init_stderr(
    struct log *log, enum log_level level, enum log_format format);

/*
 * A line being built, on the caller's stack. Keys are literals. Values that
 * need it are quoted; control bytes, quotes and backslash are escaped, bytes
 * >= 0x80 that are not UTF-8 as \xNN.
 */
struct log_line {
	struct log *log;
	enum log_level level;
	bool off, cut;
	size_t n;
	char text[LOG_LINE_MAX];
};

void log_begin(struct log_line *l, struct log *log, enum log_level level,
    const char *event);
void log_str(struct log_line *l, const char *key, struct str value);
void log_cstr(struct log_line *l, const char *key, const char *value);
void log_int(struct log_line *l, const char *key, int64_t value);
void log_hex(struct log_line *l, const char *key, uint64_t value);
/* Writes the line; l is spent. */
void log_end(struct log_line *l);

/* Short form for events with one text: event=NAME text="...". */
void log_text(struct log *log, enum log_level level, const char *event,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
