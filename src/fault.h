/*
 * fault.h
 *		Places where a test may kill the process.
 *
 * They exist only in a library that was built with -DPROVISION_FAULTS, which
 * is never installed: test/run builds it beside the real one.
 */
#ifndef PROVISION_FAULT_H
#define PROVISION_FAULT_H

#ifdef PROVISION_FAULTS
extern void provision_fault_point(const char *name);
#define PROVISION_FAULT(name) provision_fault_point(name)
#else
#define PROVISION_FAULT(name) ((void) 0)
#endif

#endif							/* PROVISION_FAULT_H */
