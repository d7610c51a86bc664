-- Every function, table and view says what it is.
BEGIN;
SELECT plan(2);
SELECT provision_engine_create('main', 'https://erp.example.com');
SELECT provision_engine_secret('main', 'key', 'word');
SELECT provision_tenant_create('acme', 'main', '{"company_name": "Acme", "country": "Kenya"}');
SELECT provision_start('acme') AS job \gset
SELECT is(array_agg(proname::text ORDER BY proname), NULL, 'functions without a comment')
  FROM pg_proc
 WHERE (pronamespace = 'provision'::regnamespace OR proname LIKE 'provision\_%' AND pronamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname LIKE 'pg\_%'))
   AND obj_description(oid, 'pg_proc') IS NULL;
SELECT is(array_agg(relname::text ORDER BY relname), NULL, 'tables and views without a comment')
  FROM pg_class
 WHERE relnamespace = 'provision'::regnamespace
   AND relkind IN ('r', 'v')
   AND obj_description(oid, 'pg_class') IS NULL;
SELECT * FROM finish();
ROLLBACK;
