/* The part of a report for people that goes from host to host. Pure. */
#ifndef RELAY_CTL_EXPLAIN_HOST_TEXT_H
#define RELAY_CTL_EXPLAIN_HOST_TEXT_H

#include "relay/ctl/explain_read.h"

void explain_hosts_text(struct explain_reader *r);
/* A level of a plan in words. */
const char *explain_level_text(struct str level);
/* Appends the reason of o to the row, without the name it begins with. */
void explain_add_reason(
    struct explain_reader *r, const struct json_t *o, struct str name);
/* A row: "NAME: secure: RECORDS", or what there is in their place. */
void explain_answer_text(
    struct explain_reader *r, const struct json_t *a, bool with_records);

#endif
