-- Undoing documents: the plan that serves for most steps, and what its answers prove. The argument "job" is what provision.undo_context tells.

CREATE OR REPLACE FUNCTION provision.refusal(job jsonb, call text)
    RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN job #>> ARRAY['answers', call, 'verdict'] = 'refused'
                THEN coalesce(provision.frappe_message(job #> ARRAY['answers', call, 'body']),
                              'the server answered ' || (job #>> ARRAY['answers', call, 'status'])) END;
COMMENT ON FUNCTION provision.refusal(jsonb, text) IS 'What the server said when it refused a call that may be refused; null when it did not.';

CREATE OR REPLACE FUNCTION provision.created(job jsonb)
    RETURNS TABLE (creation_id bigint, call text, kind text, name text, creates jsonb, look jsonb, known_before text[], place bigint)
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT (made ->> 'creation_id')::bigint, made ->> 'call', made ->> 'kind', made ->> 'name', made -> 'creates',
           nullif(made -> 'look', 'null'), ARRAY(SELECT jsonb_array_elements_text(made -> 'known_before')), position
      FROM jsonb_array_elements(job -> 'created') WITH ORDINALITY AS list (made, position);
END;
COMMENT ON FUNCTION provision.created(jsonb) IS 'What the step is known to have created and is not undone yet, newest first.';

-- What stays goes unasked: a thing of the site that others use, one that cannot be undone, one that goes with another.
CREATE OR REPLACE FUNCTION provision.is_to_be_undone(job jsonb, creates jsonb)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN NOT (coalesce(creates ->> 'scope', 'tenant') = 'site' AND coalesce(job -> 'site_is_shared' = 'true', false)
                OR creates ? 'stays'
                OR coalesce(job -> 'made' ? (creates ->> 'goes_with'), false));
COMMENT ON FUNCTION provision.is_to_be_undone(jsonb, jsonb) IS 'Whether a creation has to be removed by a call of its own.';

CREATE OR REPLACE FUNCTION provision.finding_call(creation_id bigint, call text)
    RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN format('find what "%s" made, %s', call, creation_id);
COMMENT ON FUNCTION provision.finding_call(bigint, text) IS 'Name of the look that finds out what a call made whose outcome is unknown.';

-- Documents to remove: the names that are known, and those found that were not there before. Each once, although it may have been made twice.
CREATE OR REPLACE FUNCTION provision.documents_to_undo(job jsonb)
    RETURNS TABLE (creation_id bigint, call text, kind text, name text, place bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT DISTINCT ON (made.kind, lower(named.name)) made.creation_id, made.call, made.kind, named.name, made.place
      FROM provision.created(job) AS made
     CROSS JOIN LATERAL (
           SELECT made.name WHERE made.name IS NOT NULL
           UNION
           SELECT found.name
             FROM unnest(provision.names_in(provision.answer(job, provision.finding_call(made.creation_id, made.call)),
                                            coalesce(made.creates ->> 'look', made.creates ->> 'name'))) AS found (name)
            WHERE made.name IS NULL
              AND found.name <> ALL (made.known_before)) AS named
     WHERE provision.is_to_be_undone(job, made.creates)
     ORDER BY made.kind, lower(named.name), made.place;
END;
COMMENT ON FUNCTION provision.documents_to_undo(jsonb) IS 'The documents a step has to remove, as far as they are known.';

CREATE OR REPLACE FUNCTION provision.plan_finding(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT ROW(provision.finding_call(made.creation_id, made.call), made.look ->> 'method', made.look ->> 'path', nullif(made.look -> 'body', 'null'),
               true, NULL, true, 'read', NULL, NULL, NULL, NULL, NULL)::provision.call
      FROM provision.created(job) AS made
     WHERE made.name IS NULL
       AND made.look IS NOT NULL
       AND provision.is_to_be_undone(job, made.creates)
     ORDER BY made.place;
END;
COMMENT ON FUNCTION provision.plan_finding(jsonb) IS 'Asks the guards of calls whose outcome is unknown what they made.';

-- One look tells which of them are there, so that none is deleted blindly; the last proves that they are gone.
CREATE OR REPLACE FUNCTION provision.plan_removal(job jsonb, label text, kind text, names text[])
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    look text := 'look for ' || label;
    filters jsonb := jsonb_build_array(jsonb_build_array('name', 'in', to_jsonb(names)));
    document text;
BEGIN
    RETURN NEXT provision.look_list(look, kind, filters, '["name", "docstatus"]');
    FOREACH document IN ARRAY names LOOP
        RETURN NEXT provision.may_be_refused(provision.change_document(format('cancel %s %s', kind, document), kind, document, '{"docstatus": 2}',
            CASE WHEN provision.answered(job, look)
                 THEN EXISTS (SELECT FROM provision.answer_rows(job, look) AS present
                               WHERE lower(present ->> 'name') = lower(document) AND present ->> 'docstatus' = '1') END, look));
        RETURN NEXT provision.may_be_refused(provision.remove_document(format('remove %s %s', kind, document), kind, document,
            provision.listed(job, look, 'name', document)));
    END LOOP;
    RETURN NEXT provision.look_list('verify that ' || label || ' is gone', kind, filters, '["name", "docstatus"]', wanted => provision.found(job, look));
END;
$$;
COMMENT ON FUNCTION provision.plan_removal(jsonb, text, text, text[]) IS 'Removes those of some documents of one kind that are there, submitted ones after they are cancelled.';

CREATE OR REPLACE FUNCTION provision.plan_undo_documents(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    batch record;
BEGIN
    PERFORM provision.judge_undo(job);
    RETURN QUERY SELECT * FROM provision.plan_finding(job);
    FOR batch IN SELECT document.call, document.kind, array_agg(document.name ORDER BY document.place, document.name) AS names
                   FROM provision.documents_to_undo(job) AS document
                  GROUP BY document.call, document.kind
                  ORDER BY min(document.place) LOOP
        RETURN QUERY SELECT * FROM provision.plan_removal(job, provision.undo_label(batch.call, batch.kind), batch.kind, batch.names);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION provision.plan_undo_documents(jsonb)
    IS 'The undo function for steps that create documents: removes what the step is known to have created, newest first, and proves that it is gone. Gives up with ROLLBACK_INCOMPLETE and what is left.';

CREATE OR REPLACE FUNCTION provision.undo_label(call text, kind text)
    RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN format('%s of "%s"', kind, call);
COMMENT ON FUNCTION provision.undo_label(text, text) IS 'What the looks of a removal are named after.';

-- Null: not known yet. A creation whose outcome was unknown is gone when nothing was found, or all that was found is gone.
CREATE OR REPLACE FUNCTION provision.undo_results(job jsonb)
    RETURNS TABLE (creation_id bigint, kind text, name text, creates jsonb, is_gone boolean, reason text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT made.creation_id, made.kind, coalesce(made.name, document.name), made.creates,
           CASE WHEN document.name IS NOT NULL
                THEN coalesce(NOT provision.listed(job, 'verify that ' || label.text || ' is gone', 'name', document.name),
                              CASE WHEN NOT provision.listed(job, 'look for ' || label.text, 'name', document.name) THEN true END)
                WHEN made.name IS NULL AND made.look IS NULL THEN false
                WHEN made.name IS NULL AND provision.answered(job, provision.finding_call(made.creation_id, made.call)) THEN true
                WHEN made.name IS NOT NULL THEN true END,       -- the same document stands in another row
           CASE WHEN made.name IS NULL AND made.look IS NULL THEN 'it is not known whether anything was made'
                ELSE coalesce(provision.refusal(job, format('remove %s %s', made.kind, document.name)),
                              provision.refusal(job, format('cancel %s %s', made.kind, document.name)),
                              'it is still there') END
      FROM provision.created(job) AS made
      LEFT JOIN provision.documents_to_undo(job) AS document ON document.creation_id = made.creation_id
     CROSS JOIN LATERAL (SELECT provision.undo_label(made.call, made.kind) AS text) AS label
     WHERE provision.is_to_be_undone(job, made.creates);
END;
COMMENT ON FUNCTION provision.undo_results(jsonb) IS 'What the answers to plan_undo_documents prove of each creation: gone, or why it is not.';

-- What belongs to the site may stay when somebody uses it.
CREATE OR REPLACE FUNCTION provision.judge_undo(job jsonb)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    remaining text;
    is_open boolean;
BEGIN
    SELECT bool_or(result.is_gone IS NULL),
           string_agg(format('%s "%s": %s', result.kind, coalesce(result.name, '?'), result.reason), '; ' ORDER BY result.creation_id)
               FILTER (WHERE NOT result.is_gone AND coalesce(result.creates ->> 'scope', 'tenant') <> 'site')
      INTO is_open, remaining
      FROM provision.undo_results(job) AS result;
    IF NOT is_open AND remaining IS NOT NULL THEN
        PERFORM provision.give_up('ROLLBACK_INCOMPLETE', remaining);
    END IF;
END;
$$;
COMMENT ON FUNCTION provision.judge_undo(jsonb) IS 'Gives up with what is left once every answer is known.';
