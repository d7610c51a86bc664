/*
 * planner.h
 *		The rights of plan functions.
 */
#ifndef PROVISION_PLANNER_H
#define PROVISION_PLANNER_H

#include "postgres.h"

/* What a plan function finds in its place, and what is there again after it. */
typedef struct PlannerSwitch
{
	Oid			user;
	int			security_context;
	int			settings_level;
	bool		was_planning;
} PlannerSwitch;

/*
 * Between the two, statements run as the role provision_planner and may only
 * read. Without a role that is fit for it, begin raises PV204.
 */
extern void provision_planner_begin(PlannerSwitch *before);
extern void provision_planner_end(const PlannerSwitch *before);

#endif							/* PROVISION_PLANNER_H */
