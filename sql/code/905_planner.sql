-- All functions are there: the role of plan functions gets its rights.

DO $$ BEGIN PERFORM provision.prepare_planner(); END $$;
