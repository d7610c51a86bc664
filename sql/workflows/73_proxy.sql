-- Where a proxy server stands in front of the server of a site, the site answers from outside only when the proxy's own Frappe Agent has been told of it.

CREATE OR REPLACE FUNCTION provision.upstream_path(job jsonb, rest text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '/proxy/upstreams/' || provision.url_encode(job #>> '{agent,upstream}') || '/sites' || upstream_path.rest;
COMMENT ON FUNCTION provision.upstream_path(jsonb, text) IS 'Path of the sites of the tenant''s server at its proxy, or below it.';

CREATE OR REPLACE FUNCTION provision.plan_proxy_site(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT planned.*
      FROM provision.plan_submission(job, 'add to proxy', provision.upstream_path(job, ''), jsonb_build_object('name', provision.setting(job, 'site')),
               creates => jsonb_build_object('kind', 'Upstream Site', 'name', to_jsonb(provision.setting(job, 'site'))::text)) AS planned;
END;
COMMENT ON FUNCTION provision.plan_proxy_site(jsonb) IS 'Has the proxy server send requests for the tenant''s site to the site''s server.';

-- One that the proxy does not know of is no failure.
CREATE OR REPLACE FUNCTION provision.plan_proxy_removal(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT planned.*
      FROM provision.plan_submission(job, 'take from proxy', provision.upstream_path(job, '/' || provision.url_encode(provision.setting(job, 'site'))),
               '{"extra_domains": []}', method => 'DELETE') AS planned;
END;
COMMENT ON FUNCTION provision.plan_proxy_removal(jsonb) IS 'Has the proxy server forget the tenant''s site.';

-- What would add it later is cancelled first.
CREATE OR REPLACE FUNCTION provision.undo_proxy_site(job jsonb)
    RETURNS SETOF provision.call
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT planned.* FROM provision.plan_cancellation(job) AS planned
    UNION ALL
    SELECT planned.* FROM provision.plan_proxy_removal(job) AS planned;
END;
COMMENT ON FUNCTION provision.undo_proxy_site(jsonb) IS 'Takes the tenant''s site from the proxy again.';
