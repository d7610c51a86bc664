/*
 * body_secrets.h
 *		Puts secrets into a request's body, where its plan only names them.
 */
#ifndef PROVISION_BODY_SECRETS_H
#define PROVISION_BODY_SECRETS_H

#include "postgres.h"

typedef struct BodySecret
{
	const char *name;
	const char *value;			/* visible ASCII */
} BodySecret;

/*
 * The body, which is what jsonb prints, with each {"$secret": "name"} replaced
 * by the value as a JSON string. The caller wipes the result. NULL: there is
 * no secret of the name that is written to missing.
 */
extern char *provision_body_fill(const char *body, const BodySecret *secrets, int count, char missing[NAMEDATALEN]);

#endif							/* PROVISION_BODY_SECRETS_H */
