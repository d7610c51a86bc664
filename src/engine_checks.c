/*
 * engine_checks.c
 *		What of an engine SQL cannot judge: its host, and the files that it
 *		names.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "encoding.h"
#include "http_address.h"
#include "http_hosts.h"
#include "http_identity.h"
#include "http_origin.h"
#include "settings.h"

/* Of the parts of a base URL, as HttpOrigin has them. NULL: nothing is wrong. */
static const char *
problem_of_origin(const HttpOrigin *origin)
{
	const char *words = provision_http_address_text_refusal(origin->host, HTTP_PEER_ENGINE);

	if (words != NULL)
		return psprintf("base_url must not name %s: nobody has an ERPNext there.", words);
	if (!provision_http_hosts_allow(provision_allowed_hosts, origin->host, origin->port))
		return psprintf("base_url must name a host that the setting provision.allowed_hosts names; port %d of \"%s\" is none.",
						origin->port, origin->host);
	return NULL;
}

/*
 * host_problem(base_url): a sentence, NULL when nothing is wrong. It repeats
 * nothing of a base URL that it cannot read: there may be a password in it.
 */
PG_FUNCTION_INFO_V1(provision_host_problem);
Datum
provision_host_problem(PG_FUNCTION_ARGS)
{
	const char *url = provision_encoding_to_utf8(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	HttpOrigin	origin;
	const char *refusal = provision_http_origin_read(url, &origin);
	const char *problem;

	if (refusal != NULL && origin.host[0] != '\0' && provision_http_hosts_refusal(origin.host) != NULL)
		problem = psprintf("base_url cannot be used: its host %s.", provision_http_hosts_refusal(origin.host));
	else if (refusal != NULL)
		problem = psprintf("base_url cannot be used: it %s.", refusal);
	else
		problem = problem_of_origin(&origin);
	if (problem == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}

/*
 * client_certificate_problem(certificate_file, key_file): a sentence, NULL
 * when they can be used.
 */
PG_FUNCTION_INFO_V1(provision_client_certificate_problem);
Datum
provision_client_certificate_problem(PG_FUNCTION_ARGS)
{
	char	   *certificate_file = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *key_file = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char		problem[KEY_PROBLEM_SIZE];

	if (provision_http_identity_check(certificate_file, key_file, problem))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}

/* authorities_problem(file): a sentence, NULL when it can be used. */
PG_FUNCTION_INFO_V1(provision_authorities_problem);
Datum
provision_authorities_problem(PG_FUNCTION_ARGS)
{
	char		problem[KEY_PROBLEM_SIZE];

	if (provision_http_identity_check_authorities(text_to_cstring(PG_GETARG_TEXT_PP(0)), problem))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}
