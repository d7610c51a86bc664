-- What the extension brings: everything a user may meet has a comment, and nothing is open to everybody.
SELECT p.oid::regprocedure AS public_function_without_comment
  FROM pg_proc AS p
  JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'provision'
 WHERE obj_description(p.oid, 'pg_proc') IS NULL
 ORDER BY 1;
SELECT c.oid::regclass AS relation_without_comment
  FROM pg_class AS c
 WHERE c.relnamespace = 'provision'::regnamespace
   AND c.relkind IN ('r', 'v', 'p')
   AND obj_description(c.oid, 'pg_class') IS NULL
 ORDER BY 1;
SELECT c.oid::regclass AS relation_open_to_all
  FROM pg_class AS c
 CROSS JOIN LATERAL aclexplode(c.relacl) AS a
 WHERE c.relnamespace = 'provision'::regnamespace
   AND a.grantee = 0
 ORDER BY 1;
SELECT p.oid::regprocedure AS function_that_trusts_the_search_path
  FROM pg_proc AS p
  JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
  JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'provision'
 WHERE NOT coalesce(p.proconfig::text ~ 'search_path', false)
   AND p.prokind = 'f'
 ORDER BY 1;
