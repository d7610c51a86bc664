-- The life of a tenant's site, for who wants no more than a name for it: provision_start() of the workflows does the same.

CREATE OR REPLACE FUNCTION @extschema@.provision_create_site(tenant text)
    RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
    SELECT @extschema@.provision_start(provision_create_site.tenant, 'create_site');
END;
COMMENT ON FUNCTION @extschema@.provision_create_site(text) IS
    'Starts a job that makes the tenant''s site through Frappe Agent, and returns its id. A config without a site gets one: the tenant''s name under the domain of the engine. Errors: as provision_start(); PV003 no site can have this name, or the tenant''s engine has no agent; PV001 the tenant is being deleted; F0000 no key to seal the site''s password with.';

CREATE OR REPLACE FUNCTION @extschema@.provision_delete_site(tenant text)
    RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
    SELECT @extschema@.provision_start(provision_delete_site.tenant, 'delete_site');
END;
COMMENT ON FUNCTION @extschema@.provision_delete_site(text) IS
    'Starts a job that archives the tenant''s site through Frappe Agent, and returns its id: its database is dropped, its folder moved. Only a site that provision_create_site() made for this tenant is touched; one that is gone already is no failure. Then the tenant is deleted. Errors: as provision_start(); PV003 the tenant''s engine has no agent.';

CREATE OR REPLACE FUNCTION @extschema@.provision_backup_site(tenant text, with_files boolean DEFAULT true)
    RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
    SELECT @extschema@.provision_start(provision_backup_site.tenant, 'backup_site', jsonb_build_object('with_files', coalesce(provision_backup_site.with_files, true)));
END;
COMMENT ON FUNCTION @extschema@.provision_backup_site(text, boolean) IS
    'Starts a job that backs up the tenant''s site through Frappe Agent, with its files unless told otherwise, and returns its id; provision_status() then shows "result" with the files, their sizes in bytes and addresses. Of one site there is one backup at a time. Errors: as provision_start(); PV003 the tenant''s engine has no agent; PV001 the tenant is being deleted.';
