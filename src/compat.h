/*
 * compat.h
 *		Every difference between the supported PostgreSQL versions (15 to 18).
 */
#ifndef PROVISION_COMPAT_H
#define PROVISION_COMPAT_H

#include "storage/latch.h"
#include "storage/proc.h"
#if PG_VERSION_NUM >= 180000
#include "storage/waiteventset.h"
#endif
#include "utils/memutils.h"
#include "utils/resowner.h"

/* 17 learnt to tie a set to a resource owner; ours lives as long as the process. */
#if PG_VERSION_NUM >= 170000
#define create_wait_event_set(size) CreateWaitEventSet(NULL, size)
#else
#define create_wait_event_set(size) CreateWaitEventSet(TopMemoryContext, size)
#endif

/* 17 learnt this setting. A line of a list of settings with their values. */
#if PG_VERSION_NUM >= 170000
#define NO_TRANSACTION_TIMEOUT {"transaction_timeout", "0"},
#else
#define NO_TRANSACTION_TIMEOUT
#endif

/* 18 says the opposite of what 15 to 17 say. */
#if PG_VERSION_NUM >= 180000
#define is_auxiliary_backend(proc) (!(proc)->isRegularBackend)
#else
#define is_auxiliary_backend(proc) ((proc)->isBackgroundWorker)
#endif

/* 16 made one function of many. */
#if PG_VERSION_NUM >= 160000
#define may_use_schema(schema, role) (object_aclcheck(NamespaceRelationId, schema, role, ACL_USAGE) == ACLCHECK_OK)
#else
#define may_use_schema(schema, role) (pg_namespace_aclcheck(schema, role, ACL_USAGE) == ACLCHECK_OK)
#endif

/* 18 writes it before a declaration, and no longer knows the attribute of 15 to 17. */
#ifndef pg_noreturn
#define pg_noreturn pg_attribute_noreturn()
#endif

#endif							/* PROVISION_COMPAT_H */
