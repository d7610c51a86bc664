"""Faults that strike jobs a server does in the background."""

import re

from common.faults import BadFault, Fault


class JobFault(Fault):
    """Strikes a job when it is submitted, and stays with it."""
    match_keys = Fault.match_keys | {"job", "bench", "site", "key_regex"}
    place_keys = {"at", "after"}            # where in the job it strikes
    deeds = set()

    def __init__(self, description, seed):
        self.action_keys = self.deeds | self.place_keys
        super().__init__(description, seed)
        self.key = re.compile(self.match.get("key_regex", ""))
        if not self.deeds & set(self.action):
            raise BadFault("a fault of a job needs one of " + ", ".join(sorted(self.deeds)))

    def matches(self, job):
        wanted = {"job": job.name, "bench": job.bench, "site": job.site}
        return all(self.match.get(name, value) == value for name, value in wanted.items()) and self.key.search(job.key or "") is not None

    @classmethod
    def is_meant(cls, description, request_fault):
        """Whether the keys are those of a job's fault rather than of a request's."""
        return bool((cls.deeds | cls.place_keys) & set(description.get("action", {}))
                    or (cls.match_keys - request_fault.match_keys) & set(description.get("match", {})))
