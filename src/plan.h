/*
 * plan.h
 *		Calling the plan functions of workflows.
 */
#ifndef PROVISION_PLAN_H
#define PROVISION_PLAN_H

/*
 * Set by the worker: a plan function that runs longer is cancelled, and its
 * step fails. 0: no limit of ours, as in ordinary sessions, where
 * statement_timeout is the user's own.
 */
extern int	provision_plan_timeout_ms;

#endif							/* PROVISION_PLAN_H */
