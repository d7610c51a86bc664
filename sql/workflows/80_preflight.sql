-- preflight: can tenant_setup be run for this tenant? Asks everything by reading, and tells all that is missing at once.

-- The permissions a call needs --------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION provision.url_decode(word text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT convert_from(string_agg(CASE WHEN part[1] ~ '^%..$' THEN decode(substr(part[1], 2), 'hex') ELSE convert_to(part[1], 'UTF8') END, ''::bytea ORDER BY place), 'UTF8')
      FROM regexp_matches(word, '%[0-9A-Fa-f]{2}|[^%]+|%', 'g') WITH ORDINALITY AS found (part, place);
END;
COMMENT ON FUNCTION provision.url_decode(text) IS 'The text that url_encode() made this of; null for an empty one.';

CREATE OR REPLACE FUNCTION provision.document_rights(call provision.call)
    RETURNS text[]
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE call.method
               WHEN 'GET' THEN '{read}'::text[]
               WHEN 'DELETE' THEN '{delete}'
               WHEN 'POST' THEN CASE WHEN call.path ~ '^/api/resource/[^/?]+/' THEN '{write}'::text[]
                                     WHEN call.body ->> 'docstatus' = '1' THEN '{create,submit}'
                                     ELSE '{create}' END
               ELSE CASE call.body ->> 'docstatus' WHEN '1' THEN '{write,submit}'::text[] WHEN '2' THEN '{cancel}' ELSE '{write}' END
           END;
END;
COMMENT ON FUNCTION provision.document_rights(provision.call) IS 'The permissions that ERPNext asks for when a document or a list is called by its path.';

-- A row of a table is read with the permission on the document it belongs to ("parent").
CREATE OR REPLACE FUNCTION provision.rights_of_call(call provision.call)
    RETURNS TABLE (doctype text, permission text)
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT provision.url_decode(substring(call.path FROM '^/api/resource/([^/?]+)')), permission
      FROM unnest(provision.document_rights(call)) AS permission
     WHERE call.path LIKE '/api/resource/_%'
     UNION ALL
    SELECT coalesce(call.body ->> 'parent', provision.url_decode(substring(call.path FROM '[?&]parent=([^&]+)')),
                    call.body ->> 'doctype', provision.url_decode(substring(call.path FROM '[?&]doctype=([^&]+)'))), 'read'
     WHERE call.path ~ '^/api/method/frappe\.client\.get'
     UNION ALL
    SELECT DISTINCT document ->> 'doctype', 'create'
      FROM jsonb_array_elements(CASE jsonb_typeof(call.body -> 'docs') WHEN 'array' THEN call.body -> 'docs' ELSE '[]' END) AS document
     WHERE call.path = '/api/method/frappe.client.insert_many'
     UNION ALL
    SELECT 'System Settings', 'write'
     WHERE call.path = '/api/method/frappe.desk.page.setup_wizard.setup_wizard.setup_complete';
END;
COMMENT ON FUNCTION provision.rights_of_call(provision.call) IS 'What the API user must be allowed to do for a call: document types and permissions as Frappe names them.';

-- Read off the plans as they are before anything is known: every call that may be made, forward, and back after a full run.
CREATE OR REPLACE FUNCTION provision.calls_of_workflow(job jsonb)
    RETURNS TABLE (direction text, call provision.call)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unknowing jsonb := job || '{"job_id": null, "facts": {}, "answers": {}, "options": {}, "site_is_shared": false}';
    calls provision.call[] := '{}';
    undo_contexts jsonb := '{}';
    step record;
BEGIN
    FOR step IN SELECT about.name, about.plan_function, about.undo_function
                  FROM jsonb_to_recordset(job -> 'about') AS about (name text, plan_function text, undo_function text, condition text)
                 WHERE coalesce(jsonb_path_match(unknowing, about.condition::jsonpath, '{}', true), about.condition IS NULL) LOOP
        calls := provision.possible_calls(step.plan_function, unknowing || jsonb_build_object('step', step.name));
        RETURN QUERY SELECT 'forward', possible FROM unnest(calls) AS possible;
        unknowing := jsonb_set(unknowing, '{made}', coalesce(unknowing -> 'made', '[]')
            || (SELECT coalesce(jsonb_agg(created -> 'kind'), '[]') FROM jsonb_array_elements(provision.would_create(calls)) AS created));
        undo_contexts := undo_contexts || jsonb_build_object(coalesce(step.undo_function, 'none') || ' ' || step.name, provision.would_create(calls));
    END LOOP;
    RETURN QUERY
        SELECT 'back', possible
          FROM jsonb_each(undo_contexts) AS undo (function_and_step, created)
         CROSS JOIN LATERAL unnest(provision.possible_calls(split_part(function_and_step, ' ', 1), unknowing
                   || jsonb_build_object('step', split_part(function_and_step, ' ', 2), 'created', created))) AS possible
         WHERE created <> '[]'
           AND function_and_step NOT LIKE 'none %';
END;
$$;
COMMENT ON FUNCTION provision.calls_of_workflow(jsonb) IS 'Every call that the workflow which a job looks at may make for its tenant, and every one of the rollback of a full run.';

-- The undo of a document cancels it where it was submitted, and only then needs to be allowed to.
CREATE OR REPLACE FUNCTION provision.rights_needed(job jsonb)
    RETURNS TABLE (doctype text, permission text, direction text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH needed AS MATERIALIZED (
        SELECT of_call.doctype, of_call.permission, max(possible.direction) AS direction
          FROM provision.calls_of_workflow(rights_needed.job) AS possible
         CROSS JOIN LATERAL provision.rights_of_call(possible.call) AS of_call
         GROUP BY of_call.doctype, of_call.permission
    )
    SELECT needed.doctype, needed.permission, needed.direction
      FROM needed
     WHERE needed.permission <> 'cancel'
        OR needed.doctype IN (SELECT submitted.doctype FROM needed AS submitted WHERE submitted.permission = 'submit')
     ORDER BY 1, 2;
END;
COMMENT ON FUNCTION provision.rights_needed(jsonb)
    IS 'The permissions that the API user needs for the workflow which a job looks at and for its rollback, read off the plans of its steps for the tenant. direction back: for the rollback alone.';

-- What is asked -----------------------------------------------------------------------------------------------------------

-- Without a document the server answers for the document type, by its own rules: roles, custom permissions, whatever else.
CREATE OR REPLACE FUNCTION provision.ask_right(doctype text, permission text)
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE
    RETURN provision.may_be_refused(provision.look(format('may %s %s', permission, doctype),
               provision.method_path('frappe.client.has_permission', jsonb_build_object('doctype', doctype, 'docname', '', 'perm_type', permission))));
COMMENT ON FUNCTION provision.ask_right(text, text) IS 'A call that asks whether the API user has a permission.';

CREATE OR REPLACE FUNCTION provision.is_allowed(job jsonb, doctype text, permission text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN provision.answered(job, format('may %s %s', permission, doctype))
                THEN coalesce(provision.answer_value(job, format('may %s %s', permission, doctype)) ->> 'has_permission' IN ('true', '1'), false) END;
COMMENT ON FUNCTION provision.is_allowed(jsonb, text, text) IS 'Whether the API user has a permission; null while it was not asked.';

-- What the site must have although tenant_setup would find it lacking only half way, or never looks at it.
CREATE OR REPLACE FUNCTION provision.plan_site_check(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    needed record;
BEGIN
    FOR needed IN SELECT * FROM (VALUES ('Currency', provision.setting(job, 'currency')), ('Country', provision.setting(job, 'country'))) AS link (doctype, name) LOOP
        IF NOT provision.found(job, 'look ' || lower(needed.doctype)) THEN
            PERFORM provision.give_up(upper(needed.doctype) || '_MISSING', needed.name);
        END IF;
        RETURN NEXT provision.look('look ' || lower(needed.doctype), provision.document_path(needed.doctype, needed.name));
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.plan_site_check(jsonb) IS 'Looks for the currency and the country of the tenant, which tenant_setup does not make.';

-- Step 0 of tenant_setup refuses a user without these roles, whatever its permissions.
CREATE OR REPLACE FUNCTION provision.plan_roles_check(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.check_roles(job);
    RETURN NEXT provision.look('roles', provision.method_path('frappe.core.doctype.user.user.get_roles',
        jsonb_build_object('uid', provision.answer_value(job, 'user'))));
END;
$$;
COMMENT ON FUNCTION provision.plan_roles_check(jsonb) IS 'Looks for the roles of the API user, as step 0 of tenant_setup will.';

CREATE OR REPLACE FUNCTION provision.plan_seller_check(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF provision.setting(job, 'pos_user') IS NULL THEN
        RETURN;
    END IF;
    PERFORM provision.check_pos_profile(job);
    RETURN NEXT provision.look('look pos user', provision.document_path('User', provision.setting(job, 'pos_user')));
END;
$$;
COMMENT ON FUNCTION provision.plan_seller_check(jsonb) IS 'Looks for the user who shall sell, as step 8 of tenant_setup will.';

-- The looks of these plans need nothing that an earlier step makes, so that their refusals hold before the first one has run.
CREATE OR REPLACE FUNCTION provision.early_plans()
    RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY['provision.plan_roles_check', 'provision.plan_site_check', 'provision.plan_company', 'provision.ensure_price_list', 'provision.plan_seller_check'];
COMMENT ON FUNCTION provision.early_plans() IS 'Plans whose refusals preflight tells ahead of time.';

-- What is found -----------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION provision.right_problems(job jsonb, rights jsonb)
    RETURNS SETOF jsonb
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT jsonb_build_object('code', CASE WHEN provision.answer(job, asked.name) IS NULL THEN 'API_NOT_FOUND' ELSE 'PERMISSION_MISSING' END,
                              'doctype', needed.doctype, 'permission', needed.permission, 'for', CASE needed.direction WHEN 'back' THEN 'rollback' ELSE 'setup' END)
      FROM jsonb_to_recordset(rights) AS needed (doctype text, permission text, direction text)
     CROSS JOIN LATERAL (SELECT format('may %s %s', needed.permission, needed.doctype) AS name) AS asked
     WHERE NOT provision.is_allowed(job, needed.doctype, needed.permission);
END;
COMMENT ON FUNCTION provision.right_problems(jsonb, jsonb) IS 'Findings for permissions that are missing, and document types that the site does not have.';

-- One line for people, of what keeps tenant_setup from running; every finding by itself is in the result.
CREATE OR REPLACE FUNCTION provision.preflight_detail(problems jsonb)
    RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT string_agg(CASE WHEN codes > 1 THEN code || ': ' ELSE '' END || words, '; ' ORDER BY code = 'PERMISSION_MISSING', code)
      FROM (SELECT code, count(*) OVER () AS codes, string_agg(words, ', ' ORDER BY words) AS words
              FROM (SELECT problem ->> 'code' AS code,
                           coalesce(problem ->> 'detail', format('%s (%s)', problem ->> 'doctype', string_agg(problem ->> 'permission', ', '))) AS words
                      FROM jsonb_array_elements(problems) AS problem
                     WHERE problem ->> 'for' IS DISTINCT FROM 'rollback'
                     GROUP BY problem ->> 'code', problem ->> 'detail', problem ->> 'doctype') AS line
             GROUP BY code) AS coded;
END;
COMMENT ON FUNCTION provision.preflight_detail(jsonb) IS 'The findings of preflight in one line.';

CREATE OR REPLACE FUNCTION provision.preflight_code(problems jsonb)
    RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE count(DISTINCT problem ->> 'code') WHEN 0 THEN NULL WHEN 1 THEN min(problem ->> 'code') ELSE 'PREFLIGHT_FAILED' END
      FROM jsonb_array_elements(problems) AS problem
     WHERE problem ->> 'for' IS DISTINCT FROM 'rollback';
END;
COMMENT ON FUNCTION provision.preflight_code(jsonb) IS 'The code with which preflight fails; null: it does not, although a rollback may lack permissions.';

-- To read them off the plans again at each answer would keep other jobs waiting.
CREATE OR REPLACE FUNCTION provision.plan_permissions(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM provision.conclude(jsonb_build_object('permissions', (SELECT coalesce(jsonb_agg(needed), '[]')
        FROM (SELECT * FROM provision.rights_needed(job)
               UNION ALL VALUES ('Country', 'read', 'forward'), ('Currency', 'read', 'forward')) AS needed)));
END;
$$;
COMMENT ON FUNCTION provision.plan_permissions(jsonb) IS 'The first step of preflight: asks nobody, and concludes with the permissions that tenant_setup and its rollback need.';

CREATE OR REPLACE FUNCTION provision.plan_preflight(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rights jsonb := coalesce(job #> '{results,step_0_permissions,permissions}', '[]');
    asked provision.call[];
    problems jsonb := '[]';
    known record;
    early text;
BEGIN
    asked := ARRAY[provision.look('ping', provision.method_path('ping')),
                   provision.look('user', provision.method_path('frappe.auth.get_logged_user')),
                   provision.look('versions', provision.method_path('frappe.utils.change_log.get_versions'))]
             || ARRAY(SELECT provision.ask_right(needed.doctype, needed.permission) FROM jsonb_to_recordset(rights) AS needed (doctype text, permission text));
    IF provision.all_answered(job, asked) THEN
        problems := (SELECT coalesce(jsonb_agg(problem), '[]')
                       FROM (SELECT jsonb_build_object('code', code, 'detail', detail) FROM provision.version_problems(provision.answer_value(job, 'versions'))
                              UNION ALL
                             SELECT * FROM provision.right_problems(job, rights)) AS found (problem));
        FOREACH early IN ARRAY provision.early_plans() LOOP
            SELECT * INTO known FROM provision.looks_and_changes(early, job);
            IF known.code IS NOT NULL THEN
                problems := problems || jsonb_build_object('code', known.code, 'detail', left(known.detail, 1000));
            END IF;
            asked := asked || ARRAY(SELECT look FROM unnest(known.looks) AS look
                                     WHERE NOT EXISTS (SELECT FROM provision.rights_of_call(look) AS needed
                                                        WHERE NOT provision.is_allowed(job, needed.doctype, needed.permission)));
        END LOOP;
        PERFORM provision.conclude(problems, provision.preflight_code(problems), provision.preflight_detail(problems)) WHERE provision.all_answered(job, asked);
    END IF;
    RETURN QUERY SELECT * FROM unnest(asked);
    RETURN NEXT provision.await_answers();
END;
$$;
COMMENT ON FUNCTION provision.plan_preflight(jsonb)
    IS 'The second step of preflight: credentials, versions, every permission that the first one found to be needed, and what the plans of tenant_setup would refuse. Concludes with all problems.';

INSERT INTO provision.workflow (name, version, is_builtin, needs, about, description) VALUES
    ('preflight', 1, true, '{company_name,country}', 'tenant_setup', 'Can tenant_setup be run for this tenant? Only looks; what is missing is its result, all at once.')
ON CONFLICT (name, version) DO UPDATE SET description = EXCLUDED.description, needs = EXCLUDED.needs;

INSERT INTO provision.step (workflow_id, ordinal, name, title, plan_function, critical, weight, requires, only_looks)
SELECT workflow.workflow_id, step.*, true
  FROM provision.workflow,
       (VALUES (0, 'step_0_permissions', 'List the permissions that are needed', 'provision.plan_permissions', true, 1, '{}'::text[]),
               (1, 'step_1_preflight', 'Check server, permissions and settings', 'provision.plan_preflight', true, 20, '{step_0_permissions}'))
           AS step (ordinal, name, title, plan_function, critical, weight, requires)
 WHERE workflow.name = 'preflight'
   AND workflow.version = 1
ON CONFLICT (workflow_id, ordinal) DO UPDATE SET title = EXCLUDED.title;
