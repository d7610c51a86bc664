/*
 * statement.h
 *		Running the prepared statements of the worker.
 *
 * For the files store*.c, which are all that knows statements.
 */
#ifndef PROVISION_STATEMENT_H
#define PROVISION_STATEMENT_H

#include "postgres.h"

#include "executor/spi.h"

#define MAX_ARGUMENTS 11

typedef struct Statement
{
	const char *text;
	int			argument_count;
	Oid			arguments[MAX_ARGUMENTS];
	SPIPlanPtr	plan;
} Statement;

/* Where results live that outlive the transaction: what was current when it began. */
extern MemoryContext provision_statement_context;

/*
 * Prepares the statement at its first use. The snapshot is taken anew so that
 * each statement sees what the one before it wrote.
 */
extern void provision_statement_run(Statement *statement, Datum *values, const char *nulls);

/* A bigint, 0 for null: the first column of the first row that the last statement returned. */
extern int64 provision_statement_first_number(void);

#endif							/* PROVISION_STATEMENT_H */
