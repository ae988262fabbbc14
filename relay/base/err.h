/* Error values, and the two ways to end the process. */
#ifndef RELAY_BASE_ERR_H
#define RELAY_BASE_ERR_H

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/*
 * One list, so that names and strings can't drift apart. Functions that can
 * fail return 0 or one of these (all negative).
 */
#define ERR_LIST(X) \
	X(ERR_MORE, "needs more input") \
	X(ERR_SYNTAX, "syntax error") \
	X(ERR_TOOBIG, "too big") \
	X(ERR_RANGE, "out of range") \
	X(ERR_NOTFOUND, "not found") \
	X(ERR_EXISTS, "already there") \
	X(ERR_PERM, "permission denied") \
	X(ERR_IO, "input/output error") \
	X(ERR_TIMEOUT, "timed out") \
	X(ERR_CANCELED, "canceled") \
	X(ERR_CLOSED, "closed by peer") \
	X(ERR_REFUSED, "connection refused") \
	X(ERR_UNREACH, "unreachable") \
	X(ERR_TLS, "TLS failure") \
	X(ERR_BUSY, "busy") \
	X(ERR_FULL, "full") \
	X(ERR_CORRUPT, "corrupt") \
	X(ERR_VERSION, "version not supported") \
	X(ERR_DNS, "DNS lookup failed") \
	X(ERR_CONFIG, "bad configuration") \
	X(ERR_UNSUPPORTED, "not supported") \
	X(ERR_INTERNAL, "internal error")

enum err {
	ERR_NONE = 0,
	ERR_BASE_ = -1000,
#define ERR_ENUM_(name, text) name,
	ERR_LIST(ERR_ENUM_) ERR_END_
#undef ERR_ENUM_
};

/* Text of err (0 or a negative enum err), never NULL, static storage. */
const char *err_str(int err);

/*
 * A broken invariant of our own: prints file, line and text to standard error
 * and aborts. Never reachable by input of a peer.
 */
#define BUG(...) err_bug(__FILE__, __LINE__, __VA_ARGS__)
void err_bug(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4)
    __attribute__((noreturn));

/*
 * An environment we can't start in: prints "waxseal: text" as one line to
 * standard error and exits with status. 2 = usage or configuration, 3 = else.
 */
void die(int status, const char *fmt, ...) PRINTF_LIKE(2, 3)
    __attribute__((noreturn));

#endif
