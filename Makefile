EXTENSION = provision
EXTVERSION = $(shell sed -n "s/^default_version *= *'\([^']*\)'.*/\1/p" provision.control)
MODULE_big = provision
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c)))
SCRIPT = sql/$(EXTENSION)--$(EXTVERSION).sql
DATA_built = $(SCRIPT)
EXTRA_CLEAN = $(SCRIPT) results output_iso tmp_check regression.diffs regression.out

# pg_regress and the isolation tester, for a server of your own: make installcheck
REGRESS = $(sort $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test --outputdir=. --load-extension=provision
ISOLATION = $(sort $(patsubst test/specs/%.spec,%,$(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test --outputdir=. --load-extension=provision

PG_CONFIG ?= pg_config
PG_CFLAGS = -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -Wno-declaration-after-statement -Wno-missing-field-initializers
PG_CPPFLAGS = -DPROVISION_VERSION='"$(EXTVERSION)"' $(shell curl-config --cflags)
# For tests of crashes only; see src/fault.h.
PG_CPPFLAGS += $(if $(PROVISION_FAULTS),-DPROVISION_FAULTS)
SHLIB_LINK = $(shell curl-config --libs) -lcrypto

# These two install what they need, on a bare machine too, so they must not need PGXS (whose own check only refuses).
ifneq ($(filter chaos check check-live demo fuzz,$(MAKECMDGOALS)),)

check check-live demo:
	test/run $@

# For example: make chaos SECONDS=300 CHAOS_SEED=1
chaos:
	CHAOS_SECONDS=$(or $(SECONDS),60) test/run chaos

# For example: make fuzz SECONDS=600 TARGETS=http_answer
fuzz:
	FUZZ_SECONDS=$(or $(SECONDS),60) FUZZ_TARGETS='$(TARGETS)' test/run fuzz

.PHONY: chaos check check-live demo fuzz

else

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# Most servers are built without --enable-depend: an object that is older than a header would see other structures than the rest.
$(OBJS) $(OBJS:.o=.bc): $(wildcard src/*.h)

# State first, then code, then the workflows that come with it, last what is said of all functions (code/9*). An upgrade
# replays all but the state.
CODE = $(sort $(wildcard sql/code/*.sql))
PARTS = $(sort $(wildcard sql/state/*.sql)) $(filter-out sql/code/9%,$(CODE)) $(sort $(wildcard sql/workflows/*.sql)) $(filter sql/code/9%,$(CODE))

# In the schema of the extension anybody may have put functions and operators that fit better than the server's: none is looked for there.
$(SCRIPT): $(PARTS) Makefile
	printf '%s\n' '\echo Use "CREATE EXTENSION $(EXTENSION)" to load this file. \quit' 'SET LOCAL search_path = pg_catalog, pg_temp;' > $@
	cat $(PARTS) >> $@

endif
