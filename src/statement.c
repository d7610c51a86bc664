/*
 * statement.c
 *		Running the prepared statements of the worker.
 */
#include "postgres.h"

#include "row.h"
#include "statement.h"

MemoryContext provision_statement_context = NULL;

void
provision_statement_run(Statement *statement, Datum *values, const char *nulls)
{
	int			code;

	if (statement->plan == NULL)
	{
		statement->plan = SPI_prepare(statement->text, statement->argument_count, statement->arguments);
		if (statement->plan == NULL || SPI_keepplan(statement->plan) != 0)
			elog(ERROR, "could not prepare \"%s\": %s", statement->text, SPI_result_code_string(SPI_result));
	}
	code = SPI_execute_plan(statement->plan, values, nulls, false, 0);
	if (code != SPI_OK_SELECT)
		elog(ERROR, "could not run \"%s\": %s", statement->text, SPI_result_code_string(code));
}

int64
provision_statement_first_number(void)
{
	bool		is_null;
	Datum		value = provision_row_value(0, 1, &is_null);

	return is_null ? 0 : DatumGetInt64(value);
}
