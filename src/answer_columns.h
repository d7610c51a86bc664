/*
 * answer_columns.h
 *		A round's answers as arrays for provision.record_answers().
 */
#ifndef PROVISION_ANSWER_COLUMNS_H
#define PROVISION_ANSWER_COLUMNS_H

#include "postgres.h"

#include "nodes/pg_list.h"

/*
 * The array for an argument (2 ... 11, as the function numbers them) of a
 * list of HttpAnswer *, in their order; allocated in the current context.
 * Foreign bytes arrive as text the database is certain to accept.
 */
extern Datum provision_answer_column(List *answers, int argument, Oid array_type);

#endif							/* PROVISION_ANSWER_COLUMNS_H */
