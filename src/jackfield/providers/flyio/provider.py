"""Reading a Fly.io token without asking anybody: the validity that its macaroons state."""

import base64
import binascii
from collections.abc import Mapping

from jackfield.providers.contract.call import Call

_VALIDITY = 4  # type of the caveat [not_before, not_after], in epoch seconds


async def read_caveats(call: Call) -> Mapping[str, object]:
    """`not_after`: the earliest end that a macaroon of the bundle states, in epoch seconds; 0 for none.

    Absent, with an `error`, when one of them cannot be read.
    """
    import msgpack

    ends: list[int] = []
    macaroons = [part for part in call.text("accessToken").removeprefix("FlyV1 ").split(",") if part.startswith("fm2_")]
    if not macaroons:
        return {"error": "NO-MACAROON"}
    for macaroon in macaroons:
        try:
            _, _, caveats, _ = msgpack.unpackb(base64.b64decode(macaroon.removeprefix("fm2_"), validate=True))
            kinds = dict(zip(caveats[::2], caveats[1::2], strict=True))
            validity = kinds.get(_VALIDITY)
            if validity is not None:
                ends.append(int(validity[1]))
        except (binascii.Error, ValueError, TypeError, IndexError, msgpack.UnpackException):
            return {"error": "UNREADABLE"}
    return {"not_after": min(ends, default=0)}
