-- Every function of ours is safe from the search_path of its caller, and what runs with rights of its own is open only to whom it is granted.
BEGIN;
SELECT plan(13);
CREATE TEMPORARY TABLE member AS
SELECT pg_depend.classid, pg_depend.objid FROM pg_depend JOIN pg_extension ON pg_extension.oid = pg_depend.refobjid
 WHERE pg_depend.refclassid = 'pg_extension'::regclass AND pg_depend.deptype = 'e' AND pg_extension.extname = 'provision';
CREATE TEMPORARY TABLE ours AS
SELECT pg_proc.oid::regprocedure AS name, pg_proc.*, pg_language.lanname FROM member JOIN pg_proc ON pg_proc.oid = member.objid JOIN pg_language ON pg_language.oid = prolang
 WHERE member.classid = 'pg_proc'::regclass;

-- Names are looked up when a body is text. A body of BEGIN ATOMIC or RETURN was bound when it was stored; C looks up nothing.
SELECT cmp_ok(count(*), '>', 300::bigint, 'our functions are found') FROM ours;
-- provision_wait commits, which a function with settings of its own cannot: each name and operator in it is qualified.
SELECT set_eq($$ SELECT proname::text FROM ours
                  WHERE prosqlbody IS NULL AND lanname <> 'c' AND NOT coalesce(proconfig, '{}') @> '{"search_path=pg_catalog, pg_temp"}' $$,
    '{provision_wait}'::text[], 'every body that is text has a search_path of its own, the temporary schema last');
SELECT is_empty($$ SELECT name FROM ours WHERE lanname NOT IN ('sql', 'plpgsql', 'c') $$, 'no other language');
SELECT unalike(prosrc, '%:= @extschema@%', 'provision_wait was installed') FROM ours WHERE proname = 'provision_wait';
SELECT is(regexp_replace(regexp_replace(prosrc, '''[^'']*''|OPERATOR\(pg_catalog\.[-+*/<>=|]+\)|:=|(ERRCODE|DETAIL|HINT) =', '', 'g'), '[^-+*/<>=|!~@#%^&]+', '', 'g'), '',
    'no operator in it is looked up') FROM ours WHERE proname = 'provision_wait';

-- What a bound body calls was found in the server's schema or ours, not in one where somebody else may create.
SELECT is_empty($$ SELECT DISTINCT pg_describe_object(pg_depend.classid, pg_depend.objid, 0), needed.identity
                     FROM member
                     JOIN pg_depend ON pg_depend.classid = member.classid AND pg_depend.objid = member.objid AND pg_depend.deptype = 'n'
                    CROSS JOIN LATERAL pg_identify_object(pg_depend.refclassid, pg_depend.refobjid, 0) AS needed
                    WHERE needed.schema NOT IN ('pg_catalog', 'provision')
                      AND NOT EXISTS (SELECT FROM member AS other WHERE other.classid = pg_depend.refclassid AND other.objid = pg_depend.refobjid) $$,
    'nothing of ours depends on an object that is neither the server''s nor ours');

-- Who may call and who owns.
SELECT set_eq($$ SELECT proname::text FROM ours WHERE proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) AS acl WHERE acl.grantee = 0) $$,
    '{is_alive,sees_everything,visible_tenants,visible_jobs,acts_on_everything,acted_on_tenants,work_before}'::text[], 'everybody may call what views and policies ask, and nothing else');
SELECT is_empty($$ SELECT name FROM ours WHERE prosecdef AND pronamespace = 'provision'::regnamespace AND proname NOT IN ('sees_everything', 'visible_tenants', 'visible_jobs', 'acts_on_everything', 'acted_on_tenants', 'work_before', 'log_code_change') $$,
    'rights of their own have the public functions, what views and policies ask, and the trigger that tells of changed code');
SELECT is_empty($$ SELECT name FROM ours WHERE pronamespace <> 'provision'::regnamespace AND (proname NOT LIKE 'provision\_%' OR NOT prosecdef AND lanname <> 'c' AND proname <> 'provision_wait') $$,
    'outside of our schema are the public functions, all with rights of their own');
SELECT is(count(DISTINCT proowner), 1::bigint, 'all have one owner') FROM (SELECT proowner FROM ours UNION SELECT relowner FROM pg_class WHERE relnamespace = 'provision'::regnamespace
    UNION SELECT typowner FROM pg_type WHERE typnamespace = 'provision'::regnamespace UNION SELECT extowner FROM pg_extension WHERE extname = 'provision') AS owner;
SELECT is_empty($$ SELECT pg_class.oid::regclass FROM pg_class WHERE relnamespace = 'provision'::regnamespace
                    AND EXISTS (SELECT FROM aclexplode(relacl) AS acl WHERE acl.grantee <> relowner) $$, 'nobody else has a right on a table or view');

-- Text that becomes a statement: those who do that are known, and paste no value but by %I, %L or as what the server printed as a name.
SELECT set_eq($$ SELECT proname::text FROM ours WHERE lanname = 'plpgsql' AND regexp_replace(prosrc, '--[^\n]*', '', 'g') ~* '\mEXECUTE\M' $$,
    '{findings,prepare_planner,provision_jobs}'::text[], 'functions that put statements together');
SELECT is_empty($$ SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
                    WHERE relnamespace = 'provision'::regnamespace AND NOT tgisinternal AND tgfoid NOT IN (SELECT oid FROM ours) $$, 'triggers call functions of ours');
SELECT * FROM finish();
ROLLBACK;
