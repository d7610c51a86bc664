/*
 * store_calls.c
 *		From the plans of jobs to the requests that are sent.
 *
 * Here secrets are opened. What cannot be opened is taken back before the
 * transaction ends, as if it had never been planned.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "body_secrets.h"
#include "keeper.h"
#include "row.h"
#include "statement.h"
#include "store.h"

static Statement begin_calls = {
	"SELECT call.attempt_id, call.method, call.url, call.body, call.site, call.ca_file, call.correlation_id,"
	"       call.traceparent, call.idempotency_key, call.connect_timeout_ms, call.timeout_ms,"
	"       coalesce(own.sealed, general.sealed), coalesce(own.identity, general.identity),"
	"       call.base_url, call.client_certificate_file, call.client_key_file,"
	"       call.is_agent, call.job_key, named.names, named.sealed, named.identities, call.auth = 'session', call.note, call.team"
	"  FROM provision.begin_calls($1, $2) AS call"
	"  LEFT JOIN provision.secret AS own ON own.tenant_id = call.tenant_id"
	"                                 AND own.name = CASE call.auth WHEN 'session' THEN 'site_session' ELSE 'credentials' END"
	"  LEFT JOIN provision.secret AS general ON general.engine_id = call.engine_id AND general.name = 'credentials' AND call.auth IS NULL"
	"  LEFT JOIN LATERAL (SELECT found.* FROM (SELECT WHERE call.is_agent OFFSET 0) AS agent, provision.body_secrets(call.engine_id, call.holder_id) AS found) AS named ON true",
	2, {INT8OID, INT8ARRAYOID}
};
static Statement wait_for_keys = {
	"SELECT provision.wait_for_keys($1, $2)",
	2, {INT8ARRAYOID, TEXTARRAYOID}
};
static Statement end_key_waits = {
	"SELECT provision.end_key_waits($1)",
	1, {BOOLOID}
};

/* The opened value behind some words, NUL-terminated; NULL, and why in problem, when it does not open. */
static char *
open_after(const char *words, const char *identity, bytea *sealed, char problem[KEY_PROBLEM_SIZE])
{
	size_t		words_length = strlen(words);
	char	   *opened = MemoryContextAllocZero(provision_statement_context, words_length + VARSIZE_ANY_EXHDR(sealed) + 1);
	size_t		length;

	memcpy(opened, words, words_length);
	if (!provision_keeper_open(identity, (unsigned char *) VARDATA_ANY(sealed), VARSIZE_ANY_EXHDR(sealed),
							   (unsigned char *) opened + words_length, &length, problem))
		return NULL;
	return opened;
}

/* Agent knows no users: of key:secret its token is the secret alone. */
static void
leave_key_out(char *authorization, size_t scheme_length)
{
	char	   *colon = strchr(authorization, ':');
	size_t		length = strlen(authorization);
	size_t		kept;

	if (colon == NULL)
		return;
	kept = strlen(colon + 1);
	memmove(authorization + scheme_length, colon + 1, kept + 1);
	explicit_bzero(authorization + scheme_length + kept, length - scheme_length - kept);
}

/* A session goes as a cookie, and is hidden in answers like other secrets. */
static void
take_session(HttpRequest *request, char *cookie, size_t name_length)
{
	const char **secrets;

	request->cookie = cookie;
	secrets = palloc(sizeof(char *));
	secrets[0] = cookie + name_length;
	request->secrets = secrets;
	request->secret_count = 1;
}

/*
 * Opens the credentials of a row for request->authorization or ->cookie, which
 * whoever sends the request wipes. False, and why in problem, when they do not
 * open.
 */
static bool
open_credentials(uint64 row, bool is_agent, HttpRequest *request, char problem[KEY_PROBLEM_SIZE])
{
	bool		is_null;
	bool		is_session = DatumGetBool(provision_row_value(row, 22, &is_null)) && !is_null;
	const char *scheme = is_agent ? "bearer " : is_session ? "sid=" : "token ";
	Datum		value = provision_row_value(row, 12, &is_null);
	char	   *opened;

	if (is_null)
		return true;
	opened = open_after(scheme, provision_row_text(row, 13, provision_statement_context), DatumGetByteaPP(value), problem);
	if (opened == NULL)
		return false;
	if (is_agent)
		leave_key_out(opened, strlen(scheme));
	if (is_session)
		take_session(request, opened, strlen(scheme));
	else
		request->authorization = opened;
	return true;
}

static Datum *
row_array(uint64 row, int column, Oid type, int *count)
{
	bool		is_null;
	Datum		value = provision_row_value(row, column, &is_null);
	Datum	   *elements = NULL;

	*count = 0;
	if (!is_null)
		deconstruct_array(DatumGetArrayTypeP(value), type, -1, false, TYPALIGN_INT, &elements, NULL, count);
	return elements;
}

/*
 * Opens what the body names. All secrets of the engine and the tenant are
 * opened, because an answer about other requests may show them, too.
 */
static bool
open_body_secrets(uint64 row, HttpRequest *request, char problem[KEY_PROBLEM_SIZE])
{
	int			count;
	Datum	   *names = row_array(row, 19, TEXTOID, &count);
	Datum	   *sealed = row_array(row, 20, BYTEAOID, &count);
	Datum	   *identities = row_array(row, 21, TEXTOID, &count);
	BodySecret *opened = palloc0(Max(count, 1) * sizeof(BodySecret));
	const char **values = palloc0(Max(count, 1) * sizeof(char *));
	char		missing[NAMEDATALEN] = "";

	request->secrets = values;
	for (int i = 0; i < count; i++)
	{
		opened[i].name = TextDatumGetCString(names[i]);
		values[i] = open_after("", TextDatumGetCString(identities[i]), DatumGetByteaPP(sealed[i]), problem);
		if (values[i] == NULL)
			return false;
		opened[i].value = values[i];
		request->secret_count++;
	}
	if (request->body == NULL)
		return true;
	request->body = provision_body_fill(request->body, opened, count, missing);
	request->body_length = request->body == NULL ? 0 : strlen(request->body);
	if (request->body == NULL)
		snprintf(problem, KEY_PROBLEM_SIZE, "Secret \"%s\" was never set; provision_engine_secret_set() does that.", missing);
	return request->body != NULL;
}

static bool
open_secrets(uint64 row, HttpRequest *request, char problem[KEY_PROBLEM_SIZE])
{
	bool		is_null;
	bool		is_agent = DatumGetBool(provision_row_value(row, 17, &is_null));

	return (request->note == NULL || provision_keeper_can_seal(problem)) &&
		open_credentials(row, is_agent, request, problem) &&
		(!is_agent || open_body_secrets(row, request, problem));
}

static HttpRequest *
request_of_row(uint64 row)
{
	HttpRequest *request = MemoryContextAllocZero(provision_statement_context, sizeof(HttpRequest));
	bool		is_null;

	request->attempt_id = DatumGetInt64(provision_row_value(row, 1, &is_null));
	request->method = provision_row_text(row, 2, provision_statement_context);
	request->url = provision_row_text(row, 3, provision_statement_context);
	request->body = provision_row_text(row, 4, provision_statement_context);
	request->body_length = request->body == NULL ? 0 : strlen(request->body);
	request->site = provision_row_text(row, 5, provision_statement_context);
	request->ca_file = provision_row_text(row, 6, provision_statement_context);
	request->correlation_id = provision_row_text(row, 7, provision_statement_context);
	request->traceparent = provision_row_text(row, 8, provision_statement_context);
	request->idempotency_key = provision_row_text(row, 9, provision_statement_context);
	request->connect_timeout_ms = provision_row_number(row, 10);
	request->timeout_ms = provision_row_number(row, 11);
	request->base_url = provision_row_text(row, 14, provision_statement_context);
	request->client_certificate_file = provision_row_text(row, 15, provision_statement_context);
	request->client_key_file = provision_row_text(row, 16, provision_statement_context);
	request->job_key = provision_row_text(row, 18, provision_statement_context);
	request->note = provision_row_text(row, 23, provision_statement_context);
	request->team = provision_row_text(row, 24, provision_statement_context);
	request->mutation = strcmp(request->method, "GET") != 0;
	return request;
}

void
provision_store_wipe_secrets(HttpRequest *request)
{
	if (request->authorization != NULL)
		explicit_bzero(unconstify(char *, request->authorization), strlen(request->authorization));
	if (request->cookie != NULL)
		explicit_bzero(unconstify(char *, request->cookie), strlen(request->cookie));
	for (int i = 0; i < request->secret_count; i++)
		explicit_bzero(unconstify(char *, request->secrets[i]), strlen(request->secrets[i]));
	if (request->secret_count > 0 && request->body != NULL)
		explicit_bzero(unconstify(char *, request->body), request->body_length);
}

/* Those whose secrets do not open are left out; the other lists tell which and why. */
static void
take_requests(List **requests, ArrayBuildState **locked, ArrayBuildState **problems)
{
	char		problem[KEY_PROBLEM_SIZE];
	MemoryContext caller = MemoryContextSwitchTo(provision_statement_context);

	for (uint64 row = 0; row < SPI_processed; row++)
	{
		HttpRequest *request = request_of_row(row);

		*requests = lappend(*requests, request);
		if (open_secrets(row, request, problem))
			continue;
		provision_store_wipe_secrets(request);
		*requests = list_delete_last(*requests);
		*locked = accumArrayResult(*locked, Int64GetDatum(request->attempt_id), false, INT8OID, provision_statement_context);
		*problems = accumArrayResult(*problems, CStringGetTextDatum(problem), false, TEXTOID, provision_statement_context);
	}
	MemoryContextSwitchTo(caller);
}

/* Lets go the jobs that waited for a key, when the keys have changed, and asks whether some wait. */
static void
look_after_key_waits(void)
{
	Datum		values[] = {BoolGetDatum(provision_keeper_take_change())};

	if (!DatumGetBool(values[0]) && provision_keeper_wait_ms() < 0)
		return;
	provision_statement_run(&end_key_waits, values, NULL);
	provision_keeper_note_waiting(provision_statement_first_number() > 0);
}

void
provision_store_begin_calls(int64 incarnation, Datum jobs, List **requests)
{
	Datum		values[] = {Int64GetDatum(incarnation), jobs};
	ArrayBuildState *locked = NULL;
	ArrayBuildState *problems = NULL;

	look_after_key_waits();
	provision_statement_run(&begin_calls, values, NULL);
	take_requests(requests, &locked, &problems);
	if (locked == NULL)
		return;
	values[0] = makeArrayResult(locked, provision_statement_context);
	values[1] = makeArrayResult(problems, provision_statement_context);
	provision_statement_run(&wait_for_keys, values, NULL);
	provision_keeper_note_waiting(true);
}
