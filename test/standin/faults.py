"""The faults of what is built on Frappe: its exceptions."""

from common.faults import RequestFault
from common.http_server import Response, encode
from errors import FrappeError, error_body


class FrappeFault(RequestFault):
    action_keys = RequestFault.action_keys | {"exc_type"}
    made_up = RequestFault.made_up | {"exc_type"}

    def answer(self, request, given):
        action = self.action
        if "exc_type" not in action or "garbage" in action:
            return super().answer(request, given)
        error = FrappeError(action["exc_type"], str(action.get("body", "")))
        error.status = action.get("status", error.status)
        if error.status >= 500 or not error.text:
            error.messages = []         # what the database or Python raises has no message for people
        return Response(error.status, encode(error_body(error)).encode(), headers=self.headers())


class ErpnextFault(FrappeFault):
    action_keys = FrappeFault.action_keys | {"half_made_company"}
