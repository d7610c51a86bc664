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

#include "keeper.h"
#include "row.h"
#include "statement.h"
#include "store.h"

static Statement begin_calls = {
	"SELECT call.attempt_id, call.method, call.url, call.body, call.site, call.ca_file, call.correlation_id,"
	"       call.traceparent, call.idempotency_key, call.connect_timeout_ms, call.timeout_ms,"
	"       coalesce(own.sealed, general.sealed), coalesce(own.identity, general.identity),"
	"       call.base_url, call.client_certificate_file, call.client_key_file"
	"  FROM provision.begin_calls($1, $2) AS call"
	"  LEFT JOIN provision.secret AS own ON own.tenant_id = call.tenant_id AND own.name = 'credentials'"
	"  LEFT JOIN provision.secret AS general ON general.engine_id = call.engine_id AND general.name = 'credentials'",
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

/*
 * Opens the credentials of a row for request->authorization, which whoever
 * sends the request wipes. False, and why in problem, when they do not open.
 */
static bool
open_credentials(uint64 row, HttpRequest *request, char problem[KEY_PROBLEM_SIZE])
{
	static const char scheme[] = "token ";
	bool		is_null;
	Datum		value = provision_row_value(row, 12, &is_null);
	bytea	   *sealed;
	char	   *authorization;
	size_t		length;

	if (is_null)
		return true;
	sealed = DatumGetByteaPP(value);
	authorization = MemoryContextAllocZero(provision_statement_context, sizeof(scheme) + VARSIZE_ANY_EXHDR(sealed));
	memcpy(authorization, scheme, sizeof(scheme));
	request->authorization = authorization;
	return provision_keeper_open(provision_row_text(row, 13, provision_statement_context), (unsigned char *) VARDATA_ANY(sealed), VARSIZE_ANY_EXHDR(sealed),
								 (unsigned char *) authorization + sizeof(scheme) - 1, &length, problem);
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
	request->mutation = strcmp(request->method, "GET") != 0;
	return request;
}

/* Those whose credentials do not open are left out; the other lists tell which and why. */
static List *
requests_of_rows(ArrayBuildState **locked, ArrayBuildState **problems)
{
	List	   *requests = NIL;
	char		problem[KEY_PROBLEM_SIZE];
	MemoryContext caller = MemoryContextSwitchTo(provision_statement_context);

	for (uint64 row = 0; row < SPI_processed; row++)
	{
		HttpRequest *request = request_of_row(row);

		if (open_credentials(row, request, problem))
		{
			requests = lappend(requests, request);
			continue;
		}
		*locked = accumArrayResult(*locked, Int64GetDatum(request->attempt_id), false, INT8OID, provision_statement_context);
		*problems = accumArrayResult(*problems, CStringGetTextDatum(problem), false, TEXTOID, provision_statement_context);
	}
	MemoryContextSwitchTo(caller);
	return requests;
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

List *
provision_store_begin_calls(int64 incarnation, Datum jobs)
{
	Datum		values[] = {Int64GetDatum(incarnation), jobs};
	List	   *requests;
	ArrayBuildState *locked = NULL;
	ArrayBuildState *problems = NULL;

	look_after_key_waits();
	provision_statement_run(&begin_calls, values, NULL);
	requests = requests_of_rows(&locked, &problems);
	if (locked != NULL)
	{
		values[0] = makeArrayResult(locked, provision_statement_context);
		values[1] = makeArrayResult(problems, provision_statement_context);
		provision_statement_run(&wait_for_keys, values, NULL);
		provision_keeper_note_waiting(true);
	}
	return requests;
}
