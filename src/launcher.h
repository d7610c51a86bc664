/*
 * launcher.h
 *		Keeps workers running in every database that has the extension.
 */
#ifndef PROVISION_LAUNCHER_H
#define PROVISION_LAUNCHER_H

#include "postgres.h"

extern PGDLLEXPORT void provision_launcher_main(Datum unused);

#endif							/* PROVISION_LAUNCHER_H */
