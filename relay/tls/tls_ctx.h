/*
 * TLS contexts of one shard: one SSL_CTX a class, sharing one CA store.
 * Settings are explicit, never from openssl.cnf.
 */
#ifndef RELAY_TLS_TLS_CTX_H
#define RELAY_TLS_TLS_CTX_H

#include "relay/base/err.h"
#include "relay/model/tls_plan.h"

struct tls_ctx;

struct tls_ctx_opts {
	const char *ca_file; /* PEM; NULL: the system's */
	enum tls_version min; /* verified classes */
	enum tls_version opportunistic_min;
};

/*
 * Starts OpenSSL without its configuration file. Call it in main before any
 * other library does (libcurl, getdns): the first call decides. tls_ctx_new
 * calls it too.
 */
void tls_ctx_init_library(void);

/* ERR_CONFIG (CA file unreadable or empty), ERR_TLS; text: one line. */
NODISCARD int tls_ctx_new(
    const struct tls_ctx_opts *o, struct tls_ctx **out, char text[160]);
void tls_ctx_free(struct tls_ctx *c); /* NULL is fine */
/* For relay/tls and relay/net/http only: SSL_CTX of a level; X509_STORE. */
void *tls_ctx_ssl(struct tls_ctx *c, enum tls_level level);
void *tls_ctx_store(struct tls_ctx *c);

#endif
