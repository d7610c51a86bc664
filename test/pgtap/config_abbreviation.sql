-- Initials in plain capital letters where the name has some, else in its own script; never empty, never longer than five.
BEGIN;
SELECT plan(10);
SELECT is(provision.abbreviation(given), expected, given)
  FROM (VALUES ('Gamma Delta Works', 'GDW'), ('Acme', 'ACM'), ('B&B Hotel', 'BBH'), ('Joe''s Bar', 'JB'), ('one two three four five six', 'OTTFF'),
               ('Ärzte über Öl', 'AUO'), ('شركة الخليج', 'شا'), ('24 Seven', '2S'), ('%/?#', 'CO'), ('', 'CO'))
           AS company (given, expected);
SELECT * FROM finish();
ROLLBACK;
