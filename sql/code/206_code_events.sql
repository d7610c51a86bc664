-- Who may write workflows is who may run code: what becomes of these rows is an event, whoever writes them.

CREATE OR REPLACE FUNCTION provision.columns_of(line jsonb, names text[])
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT coalesce(jsonb_object_agg(name, line -> name), '{}') FROM unnest(names) AS name;
END;
COMMENT ON FUNCTION provision.columns_of(jsonb, text[]) IS 'Some columns of a row.';

CREATE OR REPLACE FUNCTION provision.short_value(value jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN length(value #>> '{}') > 200 THEN to_jsonb(left(value #>> '{}', 200) || '...') ELSE value END;
COMMENT ON FUNCTION provision.short_value(jsonb) IS 'A value for an event, cut at 200 characters.';

CREATE OR REPLACE FUNCTION provision.row_change(was jsonb, becomes jsonb, key text[])
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT provision.columns_of(coalesce(becomes, was), key)
           || coalesce(jsonb_object_agg(name, CASE WHEN was IS NULL OR becomes IS NULL THEN provision.short_value(coalesce(was, becomes) -> name)
                                                   ELSE jsonb_build_object('from', provision.short_value(was -> name), 'to', provision.short_value(becomes -> name)) END), '{}')
      FROM jsonb_object_keys(coalesce(becomes, was)) AS name
     WHERE was -> name IS DISTINCT FROM becomes -> name
       AND coalesce(was -> name, 'null') <> coalesce(becomes -> name, 'null');
END;
COMMENT ON FUNCTION provision.row_change(jsonb, jsonb, text[]) IS 'A row by its key, and what became of its columns: {"column": value} where it is new or gone, else {"column": {"from": value, "to": value}}.';

-- Silent while the extension is installed, and in a database that a dump is restored to, where the event is among the rows that come.
CREATE OR REPLACE FUNCTION provision.log_code_change()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key constant text[] := TG_ARGV[0];
    changes jsonb[];
BEGIN
    IF NOT EXISTS (SELECT FROM provision.control WHERE control.system_identifier IS NOT NULL) THEN
        RETURN NULL;
    ELSIF TG_OP = 'INSERT' THEN
        changes := ARRAY(SELECT provision.row_change(NULL, to_jsonb(line), key) FROM new_lines AS line);
    ELSIF TG_OP = 'DELETE' THEN
        changes := ARRAY(SELECT provision.row_change(to_jsonb(line), NULL, key) FROM old_lines AS line);
    ELSIF TG_OP = 'UPDATE' THEN
        changes := ARRAY(SELECT provision.row_change(former.line, present.line, key)
                           FROM (SELECT to_jsonb(line) AS line FROM old_lines AS line) AS former
                           FULL JOIN (SELECT to_jsonb(line) AS line FROM new_lines AS line) AS present
                             ON provision.columns_of(present.line, key) = provision.columns_of(former.line, key)
                          WHERE present.line IS DISTINCT FROM former.line);
    END IF;
    IF TG_OP = 'TRUNCATE' OR changes <> '{}' THEN
        INSERT INTO provision.event (event, detail)
        VALUES (TG_TABLE_NAME || '_changed',
                jsonb_strip_nulls(jsonb_build_object('change', lower(TG_OP), 'rows', cardinality(changes), 'changes', to_jsonb(changes[1:20]))));
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION provision.log_code_change() IS 'An event for each statement that changes rows of this table, with the first 20 of them. The argument: the columns of its key.';

CREATE OR REPLACE TRIGGER log_insert AFTER INSERT ON provision.workflow
    REFERENCING NEW TABLE AS new_lines FOR EACH STATEMENT EXECUTE FUNCTION provision.log_code_change('{name,version}');
CREATE OR REPLACE TRIGGER log_update AFTER UPDATE ON provision.workflow
    REFERENCING OLD TABLE AS old_lines NEW TABLE AS new_lines FOR EACH STATEMENT EXECUTE FUNCTION provision.log_code_change('{name,version}');
CREATE OR REPLACE TRIGGER log_delete AFTER DELETE ON provision.workflow
    REFERENCING OLD TABLE AS old_lines FOR EACH STATEMENT EXECUTE FUNCTION provision.log_code_change('{name,version}');
CREATE OR REPLACE TRIGGER log_truncate AFTER TRUNCATE ON provision.workflow
    FOR EACH STATEMENT EXECUTE FUNCTION provision.log_code_change('{name,version}');

CREATE OR REPLACE TRIGGER log_insert AFTER INSERT ON provision.step
    REFERENCING NEW TABLE AS new_lines FOR EACH STATEMENT EXECUTE FUNCTION provision.log_code_change('{workflow_id,ordinal}');
CREATE OR REPLACE TRIGGER log_update AFTER UPDATE ON provision.step
    REFERENCING OLD TABLE AS old_lines NEW TABLE AS new_lines FOR EACH STATEMENT EXECUTE FUNCTION provision.log_code_change('{workflow_id,ordinal}');
CREATE OR REPLACE TRIGGER log_delete AFTER DELETE ON provision.step
    REFERENCING OLD TABLE AS old_lines FOR EACH STATEMENT EXECUTE FUNCTION provision.log_code_change('{workflow_id,ordinal}');
CREATE OR REPLACE TRIGGER log_truncate AFTER TRUNCATE ON provision.step
    FOR EACH STATEMENT EXECUTE FUNCTION provision.log_code_change('{workflow_id,ordinal}');

CREATE OR REPLACE TRIGGER log_insert AFTER INSERT ON provision.answer_rule
    REFERENCING NEW TABLE AS new_lines FOR EACH STATEMENT EXECUTE FUNCTION provision.log_code_change('{ordinal}');
CREATE OR REPLACE TRIGGER log_update AFTER UPDATE ON provision.answer_rule
    REFERENCING OLD TABLE AS old_lines NEW TABLE AS new_lines FOR EACH STATEMENT EXECUTE FUNCTION provision.log_code_change('{ordinal}');
CREATE OR REPLACE TRIGGER log_delete AFTER DELETE ON provision.answer_rule
    REFERENCING OLD TABLE AS old_lines FOR EACH STATEMENT EXECUTE FUNCTION provision.log_code_change('{ordinal}');
CREATE OR REPLACE TRIGGER log_truncate AFTER TRUNCATE ON provision.answer_rule
    FOR EACH STATEMENT EXECUTE FUNCTION provision.log_code_change('{ordinal}');
