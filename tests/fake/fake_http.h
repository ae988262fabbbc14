/* Policy hosts of the world, by name: http.h on a table. */
#ifndef TESTS_FAKE_FAKE_HTTP_H
#define TESTS_FAKE_FAKE_HTTP_H

#include "relay/net/http.h"

/* What a GET of that host comes to from now on. body may be NULL. */
void fake_http_put(const char *host, int err, int tls_failure, int status,
    const char *type, const char *body);
unsigned fake_http_gets(const char *host); /* NULL: all */
void fake_http_end(void);

#endif
