-- Engines that were right when they were made, and are no longer: files change, settings change.

CREATE OR REPLACE FUNCTION provision.find_client_certificates()
    RETURNS SETOF provision.finding
    LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT 'client certificates', 'warning', 'client certificate not usable', format('Engine "%s": %s', named.name, named.problem),
           format('Correct the files, or: SELECT provision_engine_update(%L, ''{"client_certificate_file": null, "client_key_file": null}'');', named.name)
      FROM (SELECT engine.name, provision.client_certificate_problem(engine.client_certificate_file, engine.client_key_file) AS problem
              FROM provision.engine
             WHERE engine.client_certificate_file IS NOT NULL
             ORDER BY engine.name
             LIMIT 100) AS named
     WHERE named.problem IS NOT NULL;
END;
COMMENT ON FUNCTION provision.find_client_certificates() IS 'Client certificates and keys that the server cannot use.';

CREATE OR REPLACE FUNCTION provision.find_hosts()
    RETURNS SETOF provision.finding
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'hosts', 'warning', 'engine may not be called', format('Engine "%s": %s', judged.name, judged.problem),
           format('Change provision.allowed_hosts, or: SELECT provision_engine_update(%L, ''{"base_url": "..."}'');', judged.name)
      FROM (SELECT engine.name, provision.host_problem(engine.base_url) AS problem
              FROM provision.engine
             ORDER BY engine.name
             LIMIT 1000) AS judged
     WHERE judged.problem IS NOT NULL
     LIMIT 20;
END;
COMMENT ON FUNCTION provision.find_hosts() IS 'Engines whose host is not, or no longer, one that may be called: each of their calls fails.';
