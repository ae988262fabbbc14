/*
 * Immutable, atomically counted bytes: the body of a message, the one thing
 * that shards share.
 */
#ifndef RELAY_BASE_BLOB_H
#define RELAY_BASE_BLOB_H

#include <stddef.h>

#include "relay/base/buf.h"
#include "relay/base/str.h"

struct blob;

struct blob *blob_new(struct str bytes); /* copies; count is 1 */
struct blob *blob_take(struct buf *take_b); /* moves the bytes, b is empty */
struct blob *blob_ref(struct blob *b);
void blob_unref(struct blob *b); /* NULL is fine; any thread */
struct str blob_str(const struct blob *b); /* valid while a count is held */

#endif
