-- What authors of plan functions work with: reading what is known, writing paths, making calls.
--
-- Everything here follows one rule: what is not known yet is NULL. A question about a call that was not answered is NULL,
-- and NULL in call.wanted says "depends on an answer that is not known yet", so that a plan reads like the final one at any time.
-- SQL functions without a SET clause: they are inlined into the plan functions that use them.

-- What is known ---------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION provision.setting(job jsonb, name text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN job -> 'settings' ->> name;
COMMENT ON FUNCTION provision.setting(jsonb, text) IS 'One of the tenant''s settings as text; null when it has no value.';

CREATE OR REPLACE FUNCTION provision.setting_json(job jsonb, name text)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN job -> 'settings' -> name;
COMMENT ON FUNCTION provision.setting_json(jsonb, text) IS 'One of the tenant''s settings as it is: a list, a number, an object.';

CREATE OR REPLACE FUNCTION provision.setting_list(job jsonb, name text)
    RETURNS SETOF text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
    SELECT value
      FROM jsonb_array_elements_text(CASE jsonb_typeof(job -> 'settings' -> name) WHEN 'array' THEN job -> 'settings' -> name ELSE '[]' END)
             AS value;
END;
COMMENT ON FUNCTION provision.setting_list(jsonb, text) IS 'The values of a setting that is a list of texts, in their order.';

CREATE OR REPLACE FUNCTION provision.fact(job jsonb, name text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(job -> 'facts' ->> name, '{?' || name || '}');
COMMENT ON FUNCTION provision.fact(jsonb, text)
    IS 'What an earlier answer taught, or the marker {?name}: a call that holds a marker is never sent, and the dry run shows it in place.';

CREATE OR REPLACE FUNCTION provision.fact_known(job jsonb, name text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (job -> 'facts' ->> name) IS NOT NULL;
COMMENT ON FUNCTION provision.fact_known(jsonb, text) IS 'Whether an earlier answer taught it.';

CREATE OR REPLACE FUNCTION provision.optional_fact(job jsonb, name text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(job -> 'facts' ->> name, CASE WHEN (job ->> 'job_id') IS NULL THEN '{?' || name || '}' END);
COMMENT ON FUNCTION provision.optional_fact(jsonb, text)
    IS 'A fact the call can do without, because the step that teaches it may have failed: the marker in a dry run, null in a job.';

CREATE OR REPLACE FUNCTION provision.answered(job jsonb, call text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(job -> 'answers' ? call, false);
COMMENT ON FUNCTION provision.answered(jsonb, text) IS 'Whether this call of the step has its answer.';

CREATE OR REPLACE FUNCTION provision.answer(job jsonb, call text)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN job #>> ARRAY['answers', call, 'verdict'] = 'success' THEN job #> ARRAY['answers', call, 'body'] END;
COMMENT ON FUNCTION provision.answer(jsonb, text) IS 'Body of the call''s answer; null while there is none, and when it said that the document is absent.';

CREATE OR REPLACE FUNCTION provision.answer_value(job jsonb, call text)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(provision.answer(job, call) -> 'data', provision.answer(job, call) -> 'message');
COMMENT ON FUNCTION provision.answer_value(jsonb, text)
    IS 'What the answer carries: the document, the rows or the value, under "data" for resources and "message" for methods.';

CREATE OR REPLACE FUNCTION provision.answer_rows(job jsonb, call text)
    RETURNS SETOF jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20
BEGIN ATOMIC
    SELECT value
      FROM jsonb_array_elements(CASE jsonb_typeof(provision.answer_value(job, call)) WHEN 'array' THEN provision.answer_value(job, call) ELSE '[]' END)
             AS value;
END;
COMMENT ON FUNCTION provision.answer_rows(jsonb, text) IS 'The rows of a list that was asked for, in its order; none while it is not answered.';

CREATE OR REPLACE FUNCTION provision.found(job jsonb, call text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN provision.answered(job, call)
                THEN coalesce(provision.answer_value(job, call) NOT IN ('null', '{}', '[]', '""', '0'), false) END;
COMMENT ON FUNCTION provision.found(jsonb, text)
    IS 'Whether a look found something: a document, rows, a count above 0, a flag that is set. Null while it is not answered.';

CREATE OR REPLACE FUNCTION provision.listed(job jsonb, call text, field text, wanted text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN provision.answered(job, call)
                THEN EXISTS (SELECT FROM provision.answer_rows(job, call) AS answer_row WHERE lower(answer_row ->> field) = lower(wanted)) END;
COMMENT ON FUNCTION provision.listed(jsonb, text, text, text)
    IS 'Whether a list has a row with this value. Compared as ERPNext compares names, without regard to case. Null while it is not answered.';

CREATE OR REPLACE FUNCTION provision.difference(document jsonb, wanted jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(jsonb_object_agg(key, value), '{}')
      FROM jsonb_each(wanted)
     WHERE coalesce(document ->> key, '') <> coalesce(value #>> '{}', '');
END;
COMMENT ON FUNCTION provision.difference(jsonb, jsonb)
    IS 'Those of the wanted values that the document does not hold: what is left to write. A missing, a null and an empty value are the same.';

CREATE OR REPLACE FUNCTION provision.same(job jsonb, call text, wanted jsonb)
    RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN provision.answered(job, call)
                THEN provision.difference(coalesce(provision.answer_value(job, call), '{}'), wanted) = '{}' END;
COMMENT ON FUNCTION provision.same(jsonb, text, jsonb) IS 'Whether the document that was read already holds these values. Null while it is not answered.';

-- Paths -----------------------------------------------------------------------------------------------------------------

-- An empty name would make the path that of the whole list, which always answers 200: it is treated as not known, and never sent.
CREATE OR REPLACE FUNCTION provision.document_path(doctype text, name text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '/api/resource/' || provision.url_encode(doctype) || '/' || provision.url_encode(coalesce(nullif(name, ''), '{?name}'));
COMMENT ON FUNCTION provision.document_path(text, text) IS 'Path of one document. A single''s name is that of its DocType.';

-- ERPNext returns 20 rows and no particular order unless it is told otherwise.
CREATE OR REPLACE FUNCTION provision.list_path(doctype text, filters jsonb, fields jsonb DEFAULT '["name"]',
                                               order_by text DEFAULT 'creation asc', max_rows integer DEFAULT 0)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '/api/resource/' || provision.url_encode(doctype)
        || '?filters=' || provision.url_encode(filters::text)
        || '&fields=' || provision.url_encode(fields::text)
        || '&order_by=' || provision.url_encode(order_by)
        || '&limit_page_length=' || max_rows;
COMMENT ON FUNCTION provision.list_path(text, jsonb, jsonb, text, integer) IS 'Path of a list; max_rows 0: all rows.';

CREATE OR REPLACE FUNCTION provision.method_path(method text, arguments jsonb DEFAULT '{}')
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '/api/method/' || method
        || coalesce('?' || (SELECT string_agg(key || '=' || provision.url_encode(value #>> '{}'), '&' ORDER BY key) FROM jsonb_each(arguments)), '');
COMMENT ON FUNCTION provision.method_path(text, jsonb) IS 'Path of a whitelisted method that is called by GET; arguments that are no text are passed as JSON.';

-- Calls -----------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION provision.look(name text, path text, learn jsonb DEFAULT NULL, wanted boolean DEFAULT true)
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ROW(name, 'GET', path, NULL, wanted, NULL, true, 'read', learn, NULL, NULL, NULL, NULL)::provision.call;
COMMENT ON FUNCTION provision.look(text, text, jsonb, boolean) IS 'A call that only reads.';

-- ERPNext refuses request lines over 4,094 bytes; the same list can be asked for by POST. What is learnt from a list is
-- therefore written $.*[*], which matches the rows under "data" and under "message".
CREATE OR REPLACE FUNCTION provision.look_list(name text, doctype text, filters jsonb, fields jsonb DEFAULT '["name"]', learn jsonb DEFAULT NULL,
                                               wanted boolean DEFAULT true, order_by text DEFAULT 'creation asc', max_rows integer DEFAULT 0)
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN length(provision.list_path(doctype, filters, fields, order_by, max_rows)) < 3800
                THEN provision.look(name, provision.list_path(doctype, filters, fields, order_by, max_rows), learn, wanted)
                ELSE ROW(name, 'POST', '/api/method/frappe.client.get_list',
                         jsonb_build_object('doctype', doctype, 'filters', filters, 'fields', fields,
                                            'order_by', order_by, 'limit_page_length', max_rows),
                         wanted, NULL, true, 'read', learn, NULL, NULL, NULL, NULL)::provision.call
           END;
COMMENT ON FUNCTION provision.look_list(text, text, jsonb, jsonb, jsonb, boolean, text, integer)
    IS 'A call that reads a list: by GET, or by POST when its filters are too long for a request line.';

CREATE OR REPLACE FUNCTION provision.create_document(name text, doctype text, body jsonb, wanted boolean, guard text,
                                                     learn jsonb DEFAULT NULL, effort text DEFAULT 'write', creates jsonb DEFAULT '{}')
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ROW(name, 'POST', '/api/resource/' || provision.url_encode(doctype), jsonb_strip_nulls(body), wanted, guard, false, effort, learn,
               jsonb_build_object('kind', doctype, 'name', '$.*.name') || creates, NULL, NULL, NULL)::provision.call;
COMMENT ON FUNCTION provision.create_document(text, text, jsonb, boolean, text, jsonb, text, jsonb)
    IS 'A call that creates a document. Fields without a value are left out. guard is the look that says whether it is there; it has to show the name. creates: more about what is made (scope, goes_with), see provision.call.';

CREATE OR REPLACE FUNCTION provision.change_document(name text, doctype text, document text, body jsonb, wanted boolean, guard text,
                                                     learn jsonb DEFAULT NULL, effort text DEFAULT 'write')
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ROW(name, 'PUT', provision.document_path(doctype, document), body, wanted, guard, true, effort, learn, NULL, NULL, NULL, NULL)::provision.call;
COMMENT ON FUNCTION provision.change_document(text, text, text, jsonb, boolean, text, jsonb, text)
    IS 'A call that changes the fields in its body, and no others; a table in it replaces the whole table.';

CREATE OR REPLACE FUNCTION provision.remove_document(name text, doctype text, document text, wanted boolean)
    RETURNS provision.call
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ROW(name, 'DELETE', provision.document_path(doctype, document), NULL, wanted, NULL, true, 'delete', NULL, NULL, NULL, NULL, NULL)::provision.call;
COMMENT ON FUNCTION provision.remove_document(text, text, text, boolean) IS 'A call that deletes a document.';

CREATE OR REPLACE FUNCTION provision.ensure_document(job jsonb, label text, doctype text, document text, body jsonb,
                                                     learn jsonb DEFAULT NULL, effort text DEFAULT 'write', creates jsonb DEFAULT '{}')
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN NEXT provision.look('look ' || label, provision.document_path(doctype, document), learn);
    RETURN NEXT provision.create_document('create ' || label, doctype, body,
                                          wanted => NOT provision.found(job, 'look ' || label),
                                          guard => 'look ' || label, learn => learn, effort => effort, creates => creates);
END;
$$;
COMMENT ON FUNCTION provision.ensure_document(jsonb, text, text, text, jsonb, jsonb, text, jsonb)
    IS 'The pair "look ...", "create ..." for a document that ERPNext names after one of its fields: created only where it is absent.';

CREATE OR REPLACE FUNCTION provision.may_be_refused(call provision.call)
    RETURNS provision.call
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    call.refusable := true;
    RETURN call;
END;
$$;
COMMENT ON FUNCTION provision.may_be_refused(provision.call) IS 'The same call; when the server refuses it for good, the plan judges that instead of the step failing.';

CREATE OR REPLACE FUNCTION provision.with_auth(call provision.call, auth text)
    RETURNS provision.call
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    call.auth := with_auth.auth;
    RETURN call;
END;
$$;
COMMENT ON FUNCTION provision.with_auth(provision.call, text) IS 'The same call with other credentials: own (the tenant''s or none) or session (its secret site_session as a cookie).';

CREATE OR REPLACE FUNCTION provision.with_seals(call provision.call, seals jsonb)
    RETURNS provision.call
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    call.seals := with_seals.seals;
    RETURN call;
END;
$$;
COMMENT ON FUNCTION provision.with_seals(provision.call, jsonb)
    IS 'The same call; of its answer {"secret": "text{path.of.keys}"} is sealed, or {"secret": null} forgotten, and nothing else is kept.';

CREATE OR REPLACE FUNCTION provision.ask_again(call text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'PV203', MESSAGE = ask_again.call;
END;
$$;
COMMENT ON FUNCTION provision.ask_again(text)
    IS 'Called by a plan function that waits for the server: the answer of this call is forgotten and asked for again after the step''s pause, max_attempts times.';

CREATE OR REPLACE FUNCTION provision.conclude(result jsonb, code text DEFAULT NULL, detail text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'PV205', MESSAGE = jsonb_build_object('result', conclude.result, 'code', conclude.code, 'detail', conclude.detail);
END;
$$;
COMMENT ON FUNCTION provision.conclude(jsonb, text, text)
    IS 'Called by a plan function that has found out what it wanted to know: the step ends with this result (an array of findings, which become findings of the job, or an object for later steps; at most 256 kB, secrets redacted); with a code of provision.failure, as failed.';

CREATE OR REPLACE FUNCTION provision.wait_for_signal(job jsonb, name text)
    RETURNS jsonb
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (job -> 'signals' -> wait_for_signal.name) IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'PV206', MESSAGE = wait_for_signal.name;
    END IF;
    RETURN job -> 'signals' -> wait_for_signal.name;
END;
$$;
COMMENT ON FUNCTION provision.wait_for_signal(jsonb, text)
    IS 'Called by a plan function: the payload of this signal, which its step must declare. Until it has come the step waits here, and its job holds nothing. In place of a secret there is what names it in a body, as named_secret() does; api_key and api_secret are left out.';

CREATE OR REPLACE FUNCTION provision.give_up(code text, detail text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'PV200', MESSAGE = give_up.code, DETAIL = coalesce(give_up.detail, '');
END;
$$;
COMMENT ON FUNCTION provision.give_up(text, text)
    IS 'Called by a plan function that must refuse: the step fails with this code of provision.failure. Volatile, so that it is never called ahead of time.';
