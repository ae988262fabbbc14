/*
 * Configuration and trust anchor of the managed resolver, as text. Pure; what
 * is written where is unbound_files' business. See waxseal.conf(5).
 */
#ifndef RELAY_DNS_UNBOUND_CONF_H
#define RELAY_DNS_UNBOUND_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/base/str.h"
#include "relay/model/options.h"

/* Names within the folder of the child, which is its working directory. */
#define UNBOUND_CONF_NAME "unbound.conf"
#define UNBOUND_CONF_ANCHOR "root.key"
#define UNBOUND_CONF_HINTS "root.hints"

#define UNBOUND_CONF_MAX 65536 /* bytes of text: a fit maximum for b */

/*
 * Appends unbound.conf for a validator on 127.0.0.1 and port, for shards
 * askers. Every path in it is relative. ERR_CONFIG with one line in text: a
 * zone name or a forwarder that is none.
 */
NODISCARD int unbound_conf_write(struct buf *b, const struct opt_resolver *r,
    uint16_t port, unsigned shards, char text[160]);

/* "ip" or "ip@port" (port 1 to 65535). */
bool unbound_conf_is_forward(struct str s);

/* The anchors of the public root that we know: KSK-2017 and KSK-2024. */
struct str unbound_conf_builtin_anchor(void);
/* Does the text have every key of the built-in anchor? It may know more: a
 * system's root.key of that kind is as good a start, or better. */
bool unbound_conf_anchor_covers(struct str text);

#endif
