-- Last words of an install or upgrade: a worker for this database, where a launcher runs.

SELECT provision.start_worker(even_without_launcher => false);
