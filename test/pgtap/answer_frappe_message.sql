-- The human text of error bodies as ERPNext v15 sent them (their tracebacks left out).
BEGIN;
CREATE TEMPORARY TABLE answer (expected text, body jsonb);
INSERT INTO answer VALUES
    ('Company Acme Trading already exists',
     '{"exception": "frappe.exceptions.DuplicateEntryError: (''Company'', ''Acme Trading'', IntegrityError(1062, \"Duplicate entry ''Acme Trading'' for key ''PRIMARY''\"))", "exc_type": "DuplicateEntryError", "_server_messages": "[\"{\\\"message\\\": \\\"Company <strong>Acme Trading</strong> already exists\\\", \\\"title\\\": \\\"Duplicate Name\\\", \\\"indicator\\\": \\\"red\\\"}\"]"}'),
    ('Abbreviation already used for another company',
     '{"exception": "frappe.exceptions.ValidationError: Abbreviation already used for another company", "exc_type": "ValidationError", "_exc_source": "erpnext (app)", "_server_messages": "[\"{\\\"message\\\": \\\"Abbreviation already used for another company\\\", \\\"title\\\": \\\"Message\\\", \\\"indicator\\\": \\\"red\\\", \\\"raise_exception\\\": 1, \\\"__frappe_exc_id\\\": \\\"6b6e7bfd342dd023f0614a0b8fa4cbe986a2a0436c6f2e78bece9f90\\\"}\"]"}'),
    ('Cannot delete or cancel because Customer Walk-in Customer - BETA is linked with POS Profile BETA POS',
     '{"exception": "frappe.exceptions.LinkExistsError: You can disable this Customer instead of deleting it.", "exc_type": "LinkExistsError", "_server_messages": "[\"{\\\"message\\\": \\\"Cannot delete or cancel because Customer <a href=\\\\\\\"/app/Form/Customer/Walk-in Customer - BETA\\\\\\\">Walk-in Customer - BETA</a> is linked with POS Profile <a href=\\\\\\\"/app/Form/POS Profile/BETA POS\\\\\\\">BETA POS</a> \\\", \\\"title\\\": \\\"Message\\\", \\\"indicator\\\": \\\"red\\\", \\\"raise_exception\\\": 1, \\\"__frappe_exc_id\\\": \\\"95f0e192b6390c1f86547ca83bdcff04ae5b24f005300d1f3a4ade33\\\"}\", \"{\\\"message\\\": \\\"You can disable this Customer instead of deleting it.\\\", \\\"title\\\": \\\"Message\\\", \\\"indicator\\\": \\\"red\\\", \\\"raise_exception\\\": 1, \\\"__frappe_exc_id\\\": \\\"052d1f5bd94692d1c24763aa1ecf888ef093fad4be105ad9ac7b9d7d\\\"}\"]"}'),
    ('Cannot edit cancelled document',
     '{"exception": "frappe.exceptions.ValidationError: Cannot edit cancelled document", "exc_type": "ValidationError"}'),
    ('(1213, ''Deadlock found when trying to get lock; try restarting transaction'')',
     '{"exception": "frappe.exceptions.QueryDeadlockError: (1213, ''Deadlock found when trying to get lock; try restarting transaction'')", "exc_type": "QueryDeadlockError", "_exc_source": "erpnext (app)"}'),
    ('Name cannot contain special characters like ''<'', ''>''',
     '{"exception": "frappe.exceptions.NameError: Name cannot contain special characters like ''<'', ''>''", "exc_type": "NameError", "_server_messages": "[\"{\\\"message\\\": \\\"Name cannot contain special characters like ''<'', ''>''\\\", \\\"title\\\": \\\"Message\\\", \\\"indicator\\\": \\\"red\\\", \\\"raise_exception\\\": 1, \\\"__frappe_exc_id\\\": \\\"01478cfcf4564e5ab95b345582295170603478348cb119126f09b733\\\"}\"]"}'),
    ('Error: Value missing for Company: Default Currency',
     '{"exception": "frappe.exceptions.MandatoryError: [Company, Acme5]: default_currency", "exc_type": "MandatoryError", "_server_messages": "[\"{\\\"message\\\": \\\"Error: Value missing for Company: Default Currency\\\", \\\"title\\\": \\\"Message\\\"}\"]"}'),
    ('Session Stopped',
     '{"exception": "frappe.exceptions.SessionStopped: Session Stopped", "exc_type": "SessionStopped"}'),
    ('frappe.exceptions.AuthenticationError',
     '{"exception": "frappe.exceptions.AuthenticationError", "exc_type": "AuthenticationError"}'),
    ('Company Acme Trading not found',
     '{"exc_type": "DoesNotExistError", "_server_messages": "[\"{\\\"message\\\": \\\"Company Acme Trading not found\\\", \\\"title\\\": \\\"Message\\\", \\\"indicator\\\": \\\"red\\\", \\\"raise_exception\\\": 1, \\\"__frappe_exc_id\\\": \\\"760e3d6c616d84bb778d9214f0e89a3268d82c3dbe8edfcf65ef3600\\\"}\"]"}'),
    ('JSONDecodeError',
     '{"exc_type": "JSONDecodeError"}');
SELECT plan((SELECT count(*)::integer FROM answer));
SELECT is(provision.frappe_message(body), expected) FROM answer;
SELECT * FROM finish();
ROLLBACK;
